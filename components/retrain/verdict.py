"""The end of a training: one sentence, the figures behind it, and two buttons."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from components.plain import plain
from components.retrain.begin import NAME
from components.retrain.words import class_words, model_words, version_words
from leuk_core.errors import LeukError
from leuk_core.evaluation.candidate import METRIC, Comparison
from leuk_core.evaluation.resampling import Estimate
from leuk_core.jobs import Job
from leuk_core.registry.promotions import promote
from leuk_core.registry.versions import current_version, list_candidates
from leuk_core.training.retrain_decided import KEPT, decision_of, keep, result_of

PROBLEM, BY, REASON, DONE = (f"leuk.retrain.verdict.{name}" for name in ("problem", "by", "reason", "done"))


def show_verdict(job: Job) -> None:
    """Draw what a finished training came to."""
    result = result_of(job)
    if result is None:
        st.error("What it came to can't be read: train it again.", icon=":material/error:")
        return
    found = Comparison.from_dict(result["comparison"])
    _sentence(found, result["sentence"])
    if red := job.request.get("confirmed_verdicts"):
        st.markdown(
            f":material/warning: The audit's red verdicts on these cells ({', '.join(map(plain, red))}) weigh on all "
            "figures below as well: the reserved patients are of the same set."
        )
    if found.possible:
        st.html(table_html(found, class_words(job.request["task"])))
        left_out = f"; {found.left_out} pictures without a cell left out" if found.left_out else ""
        st.caption(f"On reserved patients: {found.caption}{left_out}; intervals of 95 % over patients.")
    _out_of_fold(result, possible=found.possible)
    if result["warning"]:
        st.warning(result["warning"], icon=":material/warning:")
    with st.expander("To know before it answers", type="compact"):
        seen = "That the present version has not seen the reserved patients is known"
        proof = [f"{seen} {found.proof.rstrip('.')}."] if found.possible and found.proof else []
        st.markdown("\n".join(f"- {note}" for note in (*proof, *result["notes"])))
    _decide(job, str(result["version"]), found)


def table_html(found: Comparison, classes: Mapping[str, str]) -> str:
    """Return present version, new one and difference as a table: the main figure, each class, calibration.

    Parameters
    ----------
    found : Comparison
        A possible one.
    classes : mapping of str to str
        Short names of classes by id.
    """
    rows = {METRIC: ("Weighted F1", "1 is perfect")}
    rows |= {
        f"recall_{label}": (f"{short} called {short}", "share of such cells that are called so")
        for label, short in classes.items()
    }
    rows["ece"] = ("Calibration error", "how far probabilities are from what happens: 0 is perfect")
    lines = "".join(
        _line(*words, found.figures[name], worse=name.removeprefix("recall_") in found.got_worse)
        for name, words in rows.items()
        if name in found.figures
    )
    heads = ("", f"present: {version_words(found.current)}", f"new: {version_words(found.candidate)}", "difference")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return f'<table class="leuk-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def _line(title: str, hint: str, figures: Mapping[str, Estimate], *, worse: bool) -> str:
    mark = ' <span class="leuk-mark">got worse</span>' if worse else ""
    told = (str(figures["current"]), str(figures["candidate"]), signed(figures["difference"]))
    cells = "".join(f"<td>{escape(text)}</td>" for text in told)
    return f'<tr><th scope="row" title="{escape(hint)}">{escape(title)}{mark}</th>{cells}</tr>'


def signed(found: Estimate) -> str:
    """Return a difference with its sign and interval.

    Examples
    --------
    >>> signed(Estimate(0.0213, -0.01, 0.05)), signed(Estimate(-0.2))
    ('+0.02 (-0.01 to +0.05)', '-0.20 (no interval)')
    """
    if found.value is None:
        return "not known"
    if found.low is None or found.high is None:
        return f"{found.value:+.2f} (no interval)"
    return f"{found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def _sentence(found: Comparison, sentence: str) -> None:
    if found.better and not found.got_worse:
        st.success(sentence, icon=":material/trending_up:")
    elif sentence.startswith("It is worse") or found.got_worse:
        st.error(sentence, icon=":material/trending_down:")
    else:
        st.info(sentence, icon=":material/balance:")


def _out_of_fold(result: Mapping[str, Any], *, possible: bool) -> None:
    """Say how the new version did in its own cross-validation."""
    figures = result["figures"]
    persons = f" of {figures['n_subjects']:,} patients" if figures.get("n_subjects") else ""
    st.markdown(
        f"In its own cross-validation: weighted F1 **{Estimate.from_dict(figures[METRIC])}**, {figures['protocol']}, "
        f"n = {figures['n']:,} cells{persons}, 95 % interval."
        + ("" if possible else " This says how good it is on cells like these, not whether it is better.")
    )


def _decide(job: Job, ref: str, found: Comparison) -> None:
    """Draw the two buttons, or what was decided and what can still be done."""
    task, model = job.request["task"], job.request["model"]
    current = current_version(task, model)
    answering = current.ref if current else ""
    if answering == ref:
        st.markdown(f":material/check_circle: **{version_words(ref)}** answers now. “Who answers” takes it back.")
        return
    if found.current not in ("", answering, ref):
        st.caption(f"Compared with {version_words(found.current)}; since then {version_words(answering)} was promoted.")
    if ref not in {entry.ref for entry in list_candidates(task, model)}:
        st.caption("Its files are no longer here.")
        return
    decision = decision_of(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        if decision is None:
            st.button(
                "Keep the present version" if answering else "Leave it: no version answers",
                icon=":material/undo:",
                key=f"leuk-retrain-keep-{job.id}",
                on_click=_keep,
                args=(job,),
            )
        if st.button(
            "Promote the new version …",
            icon=":material/publish:",
            key=f"leuk-retrain-promote-{job.id}",
            type="primary" if decision is None and found.better else "secondary",
        ):
            _ask(job, ref, better=found.better)
    if refused := st.session_state.pop(f"{PROBLEM}.keep.{job.id}", ""):
        st.error(plain(refused), icon=":material/error:")
    if decision is not None and decision.what == KEPT:
        st.caption("The present version was kept. This one stays a candidate and can still be promoted.")


@st.dialog("Promote the new version", icon=":material/publish:")
def _ask(job: Job, ref: str, *, better: bool) -> None:
    """Ask who promotes a version and why; both stay on record."""
    if st.session_state.pop(f"{DONE}.{job.id}", False):
        st.toast(f"{version_words(ref)} answers now.", icon=":material/publish:")
        st.rerun()
    st.markdown(
        f"From then on **{version_words(ref)}** answers wherever {model_words(job.request['model'])} is asked, on all "
        "pages, for everybody. It can be taken back with one press."
    )
    if not better:
        st.caption(":material/warning: Nothing shows that it is better. Say why you promote it all the same.")
    with st.form(f"leuk-retrain-promote-form-{job.id}", border=False):
        st.text_input("Your name", value=st.session_state.get(NAME, ""), max_chars=100, key=f"{BY}.{job.id}")
        st.text_area("Reason", max_chars=1000, height=80, placeholder="stays on record", key=f"{REASON}.{job.id}")
        st.form_submit_button(
            "Promote", type="primary", icon=":material/publish:", on_click=_promote, args=(job.id, ref)
        )
    if refused := st.session_state.pop(f"{PROBLEM}.{job.id}", ""):
        st.error(plain(refused), icon=":material/error:")


def _promote(job: str, ref: str) -> None:
    by, reason = (str(st.session_state[f"{field}.{job}"]).strip() for field in (BY, REASON))
    if not by or not reason:
        st.session_state[f"{PROBLEM}.{job}"] = "A name and a reason are needed: both stay on record."
        return
    try:
        promote(ref, by, reason)
    except LeukError as error:
        st.session_state[f"{PROBLEM}.{job}"] = str(error)
    else:
        st.session_state[f"{DONE}.{job}"] = True
        st.session_state[NAME] = by  # who rolls it back is asked no second time


def _keep(job: Job) -> None:
    try:
        keep(job, st.session_state.get(NAME, ""))
    except LeukError as error:
        st.session_state[f"{PROBLEM}.keep.{job.id}"] = str(error)
