"""Audit of a data set: duplicates, aliased subjects, label conflicts, shortcuts, balance, earlier augmentation."""

from leuk_core.data.audit.page import summary, to_html
from leuk_core.data.audit.report import AuditReport, Pair
from leuk_core.data.audit.run import audit
from leuk_core.data.audit.verdict import Grade, Verdict

__all__ = ["AuditReport", "Grade", "Pair", "Verdict", "audit", "summary", "to_html"]
