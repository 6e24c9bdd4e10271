from __future__ import annotations

from tests.report.drawing import NAMESPACE, of_class, texts

from forecastle.report.importance import importance_figures

FOUND = {
    "objective": "crps",
    "unit": "log return",
    "features": [
        {"feature": "log_return_1", "value": 0.002, "low": 0.001, "high": 0.003, "folds": [0.002]},
        {"feature": "a_name_that_is_much_too_long_for_a_label", "value": -0.0001, "low": None, "high": None},
    ],
    "shap": {"method": "linear", "unit": "spreads", "features": [{"feature": "log_return_1", "value": 0.03}]},
}


def test_features_stand_in_their_order_with_intervals_where_there_are_any() -> None:
    permuted, shap = importance_figures(FOUND)
    assert (permuted.title, shap.title) == ("Permutation importance", "Shapley values")
    assert texts(permuted.svg, "y") == ["log_return_1", "a_name_that_is_much_too…"]
    assert len(of_class(permuted.svg, "line", "model")) == 1
    told = [each.findtext(NAMESPACE + "title") for each in of_class(permuted.svg, "circle")]
    assert told == ["log_return_1: 0.002", "a_name_that_is_much_too_long_for_a_label: -0.0001"]
    assert "rise of crps (log return)" in texts(permuted.svg, "label")[0]


def test_without_an_explanation_or_without_shapley_values_there_is_no_figure() -> None:
    assert importance_figures({}) == []
    missing = {**FOUND, "shap": {"missing": "Shapley values need the package 'shap'"}}
    assert [figure.title for figure in importance_figures(missing)] == ["Permutation importance"]
