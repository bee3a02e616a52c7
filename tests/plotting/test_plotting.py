"""Displays draw the right numbers, into the axes they were given; tested by data."""

import builtins
import re

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    TabularRegressor,
)
from sklearn_backprop.inspection import Attributions, attributions, record_training
from sklearn_backprop.plotting import (
    AttributionDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    SearchDisplay,
)
from sklearn_backprop.schedules import Schedule

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_iris(return_X_y=True)
QUICK = {"hidden_layer_sizes": (5,), "learning_rate": "cosine", "max_iter": 10, "random_state": 0}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def quick(**parameters):
    return BackpropClassifier(**(QUICK | parameters))


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(X, Y)


@pytest.fixture(scope="module")
def stopped():
    data = load_breast_cancer(return_X_y=True)
    return quick(early_stopping=True, learning_rate_init=0.05, max_iter=40).fit(*data)


def drawn(line):
    return np.array(line.get_xdata(), float), np.array(line.get_ydata(), float)


# ---------------------------------------------------------------- loss curve


def test_loss_curve_draws_both_losses_and_the_kept_epoch(stopped):
    display = LossCurveDisplay.from_estimator(stopped)
    epochs = np.arange(1, stopped.n_iter_ + 1)
    np.testing.assert_array_equal(drawn(display.training_line_), [epochs, stopped.loss_curve_])
    validation = stopped.history_["validation_loss"]
    np.testing.assert_array_equal(drawn(display.validation_line_), [epochs, validation])
    best = int(np.argmax(stopped.validation_scores_))
    assert best + 1 < stopped.n_iter_  # so that the mark is not simply the last epoch
    assert display.kept_epoch == best + 1
    np.testing.assert_array_equal(drawn(display.kept_marker_), [[best + 1], [validation[best]]])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [
        "BackpropClassifier, training", "BackpropClassifier, validation",
        f"kept: epoch {best + 1}",
    ]  # fmt: skip
    assert display.figure_ is display.ax_.figure


def test_loss_curve_without_validation_keeps_the_last_epoch(fitted):
    display = LossCurveDisplay.from_estimator(fitted, name="net", linewidth=3)
    assert display.validation_line_ is None
    assert display.training_line_.get_linewidth() == 3
    assert display.kept_epoch == 10 and display.kept_marker_ is None
    assert display.training_line_.get_label() == "net, training"


def test_loss_curves_over_one_another(fitted, stopped):
    _, ax = plt.subplots()
    figures = plt.get_fignums()  # with those that other tests left open
    first = LossCurveDisplay.from_estimator(fitted, ax=ax)
    second = LossCurveDisplay.from_estimator(stopped, ax=first.ax_)
    assert first.ax_ is second.ax_ is ax and plt.get_fignums() == figures
    assert first.training_line_.get_color() != second.training_line_.get_color()
    assert second.training_line_.get_color() == second.validation_line_.get_color()
    assert second.training_line_.get_linestyle() != second.validation_line_.get_linestyle()


def test_kept_epoch_after_a_warm_start_and_after_divergence():
    model = quick(warm_start=True).fit(X, Y).set_params(max_iter=7).fit(X, Y)
    display = LossCurveDisplay.from_estimator(model)
    assert len(display.training_loss) == 17 and display.kept_epoch == 17
    model.partial_fit(X, Y)
    assert LossCurveDisplay.from_estimator(model).kept_epoch == 18

    class Runaway(Schedule):
        def next_rate(self, initial, current, samples_seen):
            return current * 3

    diverging = BackpropRegressor(
        solver="sgd", learning_rate=Runaway(), standardize=False, activation="identity",
        hidden_layer_sizes=(5,), random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning) as caught:
        diverging.fit(X, Y)
    diverged, kept = map(int, re.findall(r"epoch (\d+)", str(caught[0].message)))
    assert 1 < kept < diverged == len(diverging.loss_curve_)
    display = LossCurveDisplay.from_estimator(diverging)
    assert display.kept_epoch == kept
    expected = [[kept], [diverging.loss_curve_[kept - 1]]]
    np.testing.assert_array_equal(drawn(display.kept_marker_), expected)


def test_loss_curve_refuses_what_has_none(fitted):
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(quick())
    with pytest.raises(ValueError, match="slim"):
        LossCurveDisplay.from_estimator(fitted.slim())


@pytest.mark.parametrize("validates", [True, False])
def test_loss_curves_of_an_ensembles_members(validates):
    model = TabularRegressor(
        n_estimators=3, hidden_layer_sizes=4, max_iter=6, validation_fraction=0.3, random_state=0
    ).fit(*((X, Y) if validates else (X[:15], Y[:15])))
    display = LossCurveDisplay.from_estimator(model)
    which = "validation_loss" if validates else "loss"
    each = [member.history_[which] for member in model.estimators_]
    for line, losses in zip(display.member_lines_, each, strict=True):
        np.testing.assert_array_equal(drawn(line), [np.arange(1, 7), losses])
    thick = display.validation_line_ if validates else display.training_line_
    np.testing.assert_allclose(drawn(thick)[1], np.mean(each, axis=0))
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    expected = ["TabularRegressor, training", "TabularRegressor, validation"]
    assert labels == expected[: 2 if validates else 1]
    ensemble = BackpropEnsembleRegressor(BackpropRegressor(**QUICK), n_estimators=2).fit(X, Y)
    assert len(LossCurveDisplay.from_estimator(ensemble).member_lines_) == 2
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(TabularRegressor())


# ---------------------------------------------------------------- attributions


def test_bars_of_attributions():
    importance = np.array([[1.0, 0.5], [0.1, 0.1], [3.0, 0.0]])
    found = Attributions(
        np.stack([importance, -importance]), np.zeros((2, 2)), X[:2], ["a", "b", "c"],
        ["yes", "no"], 0.0,
    )  # fmt: skip
    display = AttributionDisplay.from_attributions(found, max_features=2)
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == ["a", "c"]
    widths = [[bar.get_width() for bar in bars] for bars in display.bars_]
    assert widths == [[1.0, 3.0], [0.5, 0.0]]
    assert [bar.get_x() for bar in display.bars_[1]] == [1.0, 3.0]  # stacked
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["yes", "no"]


def test_bars_of_an_estimator():
    model = TabularRegressor(n_estimators=1, hidden_layer_sizes=4, max_iter=3, random_state=0)
    model.fit(X, Y)
    _, ax = plt.subplots()
    display = AttributionDisplay.from_estimator(model, X, ax=ax, color="C3", n_steps=4)
    assert display.ax_ is ax and display.ax_.get_legend() is None
    expected = np.sort(attributions(model, X, n_steps=4).importance())
    widths = [bar.get_width() for bar in display.bars_[0]]
    np.testing.assert_allclose(widths, expected[-len(widths) :])


# ---------------------------------------------------------------- network


def test_heat_maps_show_weights_and_biases(fitted):
    display = NetworkDisplay.from_estimator(fitted, kind="heatmap")
    network = fitted._training.network
    for image, W, b in zip(display.images_, network.weights, network.biases, strict=True):
        np.testing.assert_array_equal(image.get_array(), np.vstack([W, b]))
        assert image.get_clim()[0] == -image.get_clim()[1] == display.images_[0].get_clim()[0]
    assert len(display.axes_) == 2 and display.ax_ is display.axes_[0]
    rows = [tick.get_text() for tick in display.axes_[0].get_yticklabels()]
    assert rows == ["x0", "x1", "x2", "x3", "bias"]


def test_heat_maps_for_raw_X(fitted):
    display = NetworkDisplay.from_estimator(fitted, kind="heatmap", standardized=False)
    np.testing.assert_array_equal(display.images_[0].get_array()[:-1], fitted.coefs_[0])
    slim = NetworkDisplay.from_estimator(fitted.slim(), standardized=False)
    np.testing.assert_array_equal(slim.weights[1], fitted.coefs_[1])
    with pytest.raises(ValueError, match="standardized=False"):
        NetworkDisplay.from_estimator(fitted.slim())


def test_graph_edges_are_as_wide_as_weights_are_large(fitted):
    display = NetworkDisplay.from_estimator(fitted)
    assert display.images_ == [] and len(display.edges_) == 2
    for edges, W in zip(display.edges_, display.weights, strict=True):
        widths, sizes = edges.get_linewidths(), np.abs(W.ravel())
        np.testing.assert_array_equal(np.argsort(widths), np.argsort(sizes))
        # from unit to unit: the first half of a segment's row belongs to the layer below
        segments = np.array(edges.get_segments())
        assert segments.shape == (W.size, 2, 2)
        assert len(np.unique(segments[:, 0, 1])) == W.shape[0]
        assert len(np.unique(segments[:, 1, 1])) == W.shape[1]
    colors = display.edges_[1].get_colors()
    signs = display.weights[1].ravel() > 0
    assert (colors[signs][:, 0] > colors[signs][:, 2]).all()  # red
    assert (colors[~signs][:, 0] < colors[~signs][:, 2]).all()  # blue


def test_graph_names_inputs_and_outputs():
    frame, names = load_iris(as_frame=True), load_iris().target_names
    model = quick().fit(frame.data, names[frame.target])
    texts = [text.get_text() for text in NetworkDisplay.from_estimator(model).ax_.texts]
    assert texts == [*frame.data.columns, *names]


def test_large_networks_are_heat_maps():
    model = quick(hidden_layer_sizes=(17,)).fit(X, Y)
    assert len(NetworkDisplay.from_estimator(model).images_) == 2
    with pytest.raises(ValueError, match="'graph'"):
        NetworkDisplay.from_estimator(model, kind="tree")


def test_axes_are_divided_or_taken_as_they_are(fitted):
    figure, (left, right) = plt.subplots(1, 2)
    display = NetworkDisplay.from_estimator(fitted, kind="heatmap", ax=left)
    assert display.figure_ is figure and not left.axison
    for ax in display.axes_:
        assert ax.get_position().x1 < right.get_position().x0
    by_hand = plt.figure().add_axes([0.2, 0.3, 0.5, 0.4])
    boxes = [ax.get_position() for ax in
             NetworkDisplay.from_estimator(fitted, kind="heatmap", ax=by_hand).axes_]  # fmt: skip
    assert min(box.x0 for box in boxes) >= 0.2 - 1e-9
    _, given = plt.subplots(2, 1)
    display = NetworkDisplay.from_estimator(fitted, kind="heatmap", ax=given)
    np.testing.assert_array_equal(display.axes_, given)
    _, three = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="ax has 3 axes, but NetworkDisplay draws 2"):
        NetworkDisplay.from_estimator(fitted, kind="heatmap", ax=three)


# ---------------------------------------------------------------- gradient flow


def test_gradient_flow_draws_the_record():
    estimator = quick(hidden_layer_sizes=(6, 5))
    record = record_training(estimator, X, Y)
    display = GradientFlowDisplay.from_record(record)
    assert len(display.gradient_lines_) == len(display.update_lines_) == 3
    for i in range(3):
        epochs, norms = drawn(display.gradient_lines_[i])
        np.testing.assert_array_equal(epochs, np.arange(1, 11))
        np.testing.assert_array_equal(norms, record.gradient_norms[:, i])
        ratios = record.update_norms[:, i] / record.parameter_norms[:, i]
        np.testing.assert_array_equal(drawn(display.update_lines_[i])[1], ratios)
    again = GradientFlowDisplay.from_estimator(estimator, X, Y)
    np.testing.assert_array_equal(again.gradient_norms, record.gradient_norms)
    assert display.figure_ is display.axes_[1].figure
    assert not hasattr(estimator, "coefs_")


def test_gradient_flow_shows_vanishing_gradients():
    deep = quick(hidden_layer_sizes="8x6", activation="logistic")
    display = GradientFlowDisplay.from_estimator(deep, X, Y)
    first, *_, last = display.gradient_norms[0]
    assert first < 1e-3 * last
    shallow = GradientFlowDisplay.from_estimator(quick(), X, Y).gradient_norms[0]
    assert shallow[0] > 0.1 * shallow[-1]


def test_gradient_flow_of_zero_has_a_gap_and_no_error():
    display = GradientFlowDisplay(
        gradient_norms=np.array([[1.0, 0.1], [0.0, 0.1]]), update_ratios=np.ones((2, 2))
    ).plot()
    assert np.isnan(drawn(display.gradient_lines_[0])[1][1])


# ---------------------------------------------------------------- search


def test_search_over_one_parameter():
    search = GridSearchCV(quick(), {"alpha": [100.0, 1e-3, 1.0]}, cv=3).fit(X, Y)
    display = SearchDisplay.from_search(search)
    line = display.lines_[0].lines[0]
    x, mean = drawn(line)
    np.testing.assert_array_equal(x, [1e-3, 1.0, 100.0])
    order = [1, 2, 0]
    np.testing.assert_array_equal(mean, search.cv_results_["mean_test_score"][order])
    (bars,) = display.lines_[0].lines[2]
    lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    np.testing.assert_allclose(lengths, 2 * search.cv_results_["std_test_score"][order])
    assert display.ax_.get_xscale() == "log" and display.ax_.get_xlabel() == "alpha"
    best = drawn(display.best_)
    np.testing.assert_array_equal(best, [[search.best_params_["alpha"]], [search.best_score_]])


def test_search_over_several_parameters_is_a_ranking():
    grid = {"alpha": [1e-3, 100.0], "activation": ["relu", "tanh"], "max_iter": [5]}
    search = GridSearchCV(quick(), grid, cv=3).fit(X, Y)
    display = SearchDisplay.from_search(search)
    mean, rows = drawn(display.lines_[0].lines[0])
    np.testing.assert_array_equal(mean, np.sort(search.cv_results_["mean_test_score"])[::-1])
    np.testing.assert_array_equal(rows, [0, 1, 2, 3])
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    best = search.best_params_
    assert labels[int(drawn(display.best_)[1][0])] == (
        f"activation={best['activation']}, alpha={best['alpha']:.4g}"
    )
    few = SearchDisplay.from_search(search, max_candidates=2)
    assert len(drawn(few.lines_[0].lines[0])[0]) == 2 and "2 of 4" in few.ax_.get_xlabel()
    over = SearchDisplay.from_search(search, parameter="activation")
    assert [t.get_text() for t in over.ax_.get_xticklabels()] == ["relu", "tanh"]
    assert len(drawn(over.lines_[0].lines[0])[0]) == 4
    with pytest.raises(ValueError, match=r"'max_iter' is not one that varies.*alpha"):
        SearchDisplay.from_search(search, parameter="max_iter")


@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_halving_search_shows_its_rungs(resource):
    limits = {"max_resources": 40, "min_resources": 10} if resource == "max_iter" else {}
    search = HalvingGridSearchCV(
        quick(), {"alpha": [1e-3, 0.1, 10.0, 100.0]}, cv=2, factor=2, resource=resource,
        random_state=0, **limits,
    ).fit(X, Y)  # fmt: skip
    display = SearchDisplay.from_search(search)
    results = search.cv_results_
    assert len(display.lines_) == 4  # a curve a candidate
    lengths = sorted(len(drawn(line)[0]) for line in display.lines_)
    assert max(lengths) == results["iter"].max() + 1 and min(lengths) == 1
    points = np.hstack([drawn(line) for line in display.lines_])
    expected = np.array([results["n_resources"], results["mean_test_score"]])
    np.testing.assert_array_equal(points[:, np.lexsort(points)], expected[:, np.lexsort(expected)])
    for line in display.lines_:  # along a curve, one candidate
        resources, scores = drawn(line)
        at = [
            {p["alpha"] for p, n, s in zip(results["params"], results["n_resources"],
                                           results["mean_test_score"], strict=True)
             if (n, s) == point}
            for point in zip(resources, scores, strict=True)
        ]  # fmt: skip
        assert set.intersection(*at)
    assert drawn(display.best_)[1] == search.best_score_
    ticks = [label.get_text() for label in display.ax_.get_xticklabels()]
    counts = np.bincount(results["iter"])
    assert [tick.partition("\n")[2] for tick in ticks] == [f"({n})" for n in counts]


def test_search_with_several_metrics_and_failures():
    scoring = {"accuracy": "accuracy", "loss": "neg_log_loss"}
    grid = {"learning_rate_init": [0.01, 0.1]}
    search = RandomizedSearchCV(
        quick(), grid, n_iter=2, cv=2, scoring=scoring, refit="loss", random_state=0
    ).fit(X, Y)
    display = SearchDisplay.from_search(search)
    assert display.score_name == "loss"
    np.testing.assert_array_equal(display.mean, search.cv_results_["mean_test_loss"])
    accuracy = SearchDisplay.from_search(search, metric="accuracy")
    best = search.cv_results_["rank_test_accuracy"].argmin()
    assert accuracy.best_index == best
    with pytest.raises(ValueError, match="'f1' is none"):
        SearchDisplay.from_search(search, metric="f1")
    with pytest.raises(NotFittedError):
        SearchDisplay.from_search(GridSearchCV(quick(), grid))
    ranking = SearchDisplay(
        candidates=[{"a": 1, "b": 2}, {"a": 2, "b": 1}], mean=np.array([np.nan, 0.5]),
        std=np.array([np.nan, 0.1]), best_index=1,
    ).plot()  # fmt: skip
    assert drawn(ranking.best_)[1] == 0  # the one that failed comes last


# ---------------------------------------------------------------- without matplotlib


def test_without_matplotlib_it_says_what_to_install(fitted, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for draw in (
        lambda: LossCurveDisplay.from_estimator(fitted),
        lambda: NetworkDisplay.from_estimator(fitted),
        lambda: NetworkDisplay.from_estimator(fitted, kind="heatmap"),
        lambda: GradientFlowDisplay.from_estimator(quick(), X, Y),
    ):
        with pytest.raises(ImportError, match=r"Display needs matplotlib: pip install matplotlib"):
            draw()
