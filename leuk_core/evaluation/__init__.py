"""How far a model can be believed: figures by subject, comparisons, calibration, coverage, baseline, the paper."""
