"""A training whose environments are on the device does what one on the processor does; a GPU may be simulated."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mecsim.core.cuda import simulated, why_not
from tests.training.same_run import ANY, Interrupt, assert_same_run, metrics_of, tensors_of
from tests.training.small import new_run, trained

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
EPOCHS = 4


@pytest.mark.skipif(not simulated(), reason="generators differ between devices")
@ANY
def test_any_learner_does_on_the_device_what_it_does_on_the_processor(tmp_path: Path, algorithm: str) -> None:
    torch.set_num_threads(1)
    runs = [new_run(tmp_path / name, epochs=EPOCHS, algorithm=algorithm, engine=name) for name in ("batched", "cuda")]
    reports = [trained(run) for run in runs]
    for one, other in zip(*map(metrics_of, runs), strict=True):
        for name, value in one.items():
            assert other[name] == value or float(other[name]) == pytest.approx(float(value), rel=1e-5), name
    tensors = [tensors_of(run) for run in runs]
    for name, expected in tensors[0].items():
        np.testing.assert_allclose(tensors[1][name], expected, rtol=1e-5, atol=1e-7, err_msg=str(name))
    for one, other in zip(*reports, strict=True):
        np.testing.assert_allclose(one.action_shares, other.action_shares)


def test_any_run_on_the_device_goes_on_bit_for_bit(tmp_path: Path) -> None:
    device = "cpu" if simulated() else "cuda"
    whole, cut = (new_run(tmp_path / name, epochs=EPOCHS, engine="cuda") for name in ("whole", "cut"))
    trained(whole, device=device)
    with pytest.raises(KeyboardInterrupt):
        trained(cut, [Interrupt(3)], device=device)
    trained(cut, resume=True, device=device)
    assert_same_run(whole, cut)
