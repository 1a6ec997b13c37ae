"""The pieces of the page Retrain: cells, audit, plan, device, start; jobs, verdicts, promotions."""
