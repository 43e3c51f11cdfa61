"""The section on the subspace that a model uses holds the numbers of its table, with their controls."""

from numprobe.experiments.causal_subspace.findings import section
from numprobe.experiments.causal_subspace.measure import EXTRA, OWN_ANSWERS
from numprobe.status import not_applicable
from numprobe.tables import measurements
from numprobe.tell.section import Share, markdown


def told(found):
    return section({"causal_subspace": measurements(found, EXTRA)})


def page(**shares):
    return told(rows(**shares))


def meaning(**shares):
    """The last statement, on all places together."""
    return page(**shares).statements[-1]


def rows(probe=0.2, trained=0.9, overlap=0.3, pattern=0.6, own=0.5, whole=0.95):
    place = {"model": "m", "context": "result", "layer": "1", "rank": 8}
    shares = {"causal": trained, "read-out": probe, "layer's read-out": own, "pattern": pattern, "random": 0.03}
    shares["whole state"] = whole
    found = [
        {
            **place, "subspace": name, "metric": "interchange_accuracy", "value": value, "ci_low": value - 0.02,
            "ci_high": value + 0.02,
        }
        for name, value in shares.items()
    ]  # fmt: skip
    for over, rival in (("random", 0.03), ("trained", trained)):
        found += [
            {
                **place, "subspace": name, "metric": f"interchange_over_{over}", "value": value - rival,
                "ci_low": value - rival - 0.02, "ci_high": value - rival + 0.02,
            }
            for name, value in shares.items()
            if name not in ("random", "whole state") and not (over == "trained" and name == "causal")
        ]  # fmt: skip
    reads = {"read-out": 0.95, "layer's read-out": 0.6}
    found += [{**place, "subspace": name, "metric": "reads_source", "value": value} for name, value in reads.items()]
    found += [{**place, "subspace": "causal", "draw": 0, "metric": "interchange_accuracy", "value": 0.5}]
    found += [{**place, "subspace": "causal", "metric": "harmed", "value": 0.04}]
    pair = {**place, "subspace": "causal", "other_subspace": "read-out", "metric": "overlap"}
    found += [{**pair, "value": overlap}]
    found += [{**pair, "value": 0.25, "ci_low": 0.22, "ci_high": 0.28, "control": "random"}]
    found += [{**place, "subspace": "causal", "draw": 0, "metric": "accuracy_component", "value": 0.97}]
    found += [{"model": "bert", "context": "result", **not_applicable("encoder")}]
    return found


def test_operands_of_several_tokens_are_judged_by_what_all_of_them_carry():
    answers = ("interchange_accuracy", "harmed", "interchange_over_random", "interchange_over_trained", "reads_source")
    last = [
        row | {"tokens": "last" if row.get("metric") in answers else None}
        for row in rows(trained=0.04, probe=0, pattern=0, own=0)
    ]
    every = [row | {"tokens": "all"} for row in rows(probe=0.89) if row.get("metric") in answers]
    both = told(last + every)
    shares, overlaps = both.grids
    assert shares.column("model") == ["m", "m, all tokens"]
    assert [share.value for share in shares.column("trained")] == [0.04, 0.9]
    assert overlaps.column("model") == ["m"]
    assert [("overlap" in said.numbers) for said in both.statements] == [False, True, False, False]
    assert (both.statements[-1].numbers["carrying"], both.statements[-1].numbers["places"]) == (1, 1)
    assert told(last).statements[-1].numbers == {"places": 1}


def test_models_that_are_led_to_their_own_answers_are_named():
    own = [row | {"note": OWN_ANSWERS} for row in rows() if row["model"] == "m"]
    every = [row | {"tokens": "all"} for row in own]
    named = told(own + every).statements[1]
    assert (named.subject, named.numbers) == ("m", {"models": 1})
    assert page().statements[1].subject == "m, layer 1"


def test_a_subspace_that_was_trained_too_briefly_judges_no_other():
    _, carried, short = page(trained=0.4, pattern=0.8, probe=0.39, own=0.4).statements
    assert carried.numbers["trained"].value == 0.4 and short.numbers == {"better": "pattern"}
    assert "carrying" in meaning(trained=0.6, pattern=0.63).numbers


def test_shares_stand_with_intervals_and_harm():
    shares, overlaps = page().grids
    assert shares.rows[0][:4] == ["m", "1", 8, Share(0.9, 0.88, 0.92)]
    assert shares.column("layer's read-out") == [Share(0.5, 0.48, 0.52)] and shares.column("harm") == [Share(0.04)]
    assert shares.column("read-out: reads") == [Share(0.95)] and shares.column("layer's: reads") == [Share(0.6)]
    assert overlaps.column("read-out") == [Share(0.3)] and overlaps.column("random") == [Share(0.25, 0.22, 0.28)]
    assert overlaps.column("read: component") == [Share(0.97)] and overlaps.column("another start") == [None]


def test_the_section_is_worded():
    text = markdown(page(probe=0.88, overlap=0.26))
    assert "the trained subspace carries 90 [88, 92] % of the answers" in text
    assert "probe's subspace lies no nearer to the trained one than random ones (overlap 26)." in text
    assert "the universal probe's directions carry as much, so they may be edited" in text


def test_the_overlap_is_judged_by_the_null():
    near, far = (page(overlap=share).statements[1] for share in (0.3, 0.26))
    assert near.numbers["overlap"] == Share(0.3) and near.wording != far.wording


def test_the_advice_depends_on_what_the_subspaces_carry():
    used, own = meaning(probe=0.88), meaning(own=0.89)
    assert (used.numbers["probe"].same, used.numbers["pattern"].lower) == (1, 1)
    beside, neither = meaning(probe=0.2, pattern=0.88), meaning(probe=0.6, pattern=0.7)
    assert len({said.wording for said in (used, own, beside, neither)}) == 4


def test_both_read_outs_and_what_their_probes_then_read_are_told_first():
    first = page(probe=0.03).statements[0]
    assert (first.numbers["universal"].same, first.numbers["own"].higher) == (1, 1)
    assert str(first.numbers["reads"]) == "95" and str(first.numbers["own_reads"]) == "60"
    assert "universal" not in page(whole=0.02).statements[0].numbers


def test_layers_without_a_trained_basis_count_for_the_read_outs():
    further = [row | {"layer": "5"} for row in rows() if row.get("subspace") not in ("causal", None)]
    further = [row for row in further if row["metric"] != "interchange_over_trained"]
    found = told(rows() + further)
    assert found.statements[0].numbers["places"] == 2 and found.grids[0].column("layer") == ["1", "5"]
    assert found.grids[0].column("trained")[1] is None and found.statements[-1].numbers["places"] == 1


def test_a_layer_at_which_nothing_is_carried_says_nothing():
    assert meaning(trained=0.04, probe=0.02, pattern=0.03, own=0.02).numbers == {"places": 1}
