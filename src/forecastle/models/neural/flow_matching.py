r"""FlowMatching: paths along a flow from noise to data, in few Euler steps.

Lipman, Chen, Ben-Hamu, Nickel and Le, Flow Matching for Generative Modeling, ICLR 2023, with the conditional optimal
transport path (section 4.1): :math:`x_t = (1 - t) x_0 + t \varepsilon`, whose velocity :math:`u = \varepsilon - x_0` is
regressed at uniform times. (Their time runs the other way.)

Different here: the path is divided by its length :math:`r = \sqrt{(1 - t)^2 + t^2}`, so that a flow that does nothing
takes standard normal noise to standard normal data along the *right* path. Then :math:`x_t / r` lies at the angle φ =
atan2(t, 1 - t), :math:`d\varphi / dt = 1 / r^2`, and with the velocity v of that angle :math:`u = (2t - 1) x_t / r^2 +
v / r`: given x, the squared error of u is that of v over :math:`r^2`, which is the weight here.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from forecastle.models.neural.diffusion.condition import Encoder
from forecastle.models.neural.diffusion.denoiser import make_denoiser
from forecastle.models.neural.diffusion.path import PathDiffusion
from forecastle.models.neural.diffusion.sampler import make_sampler
from forecastle.models.neural.diffusion.schedule import straight


class FlowMatching(PathDiffusion):
    """A flow from the random walk to the law of paths given the window.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data.
    denoiser
        ``transformer``, ``convolutional`` or ``perceptron``.
    sampler
        ``name`` and ``steps``; Euler of 5 steps if left out.
    width
        Of the encoder and the denoiser, a multiple of 16.

    Raises
    ------
    ConfigError
        If one of them cannot be.
    """

    def __init__(
        self,
        features: int,
        context_length: int,
        horizon: int,
        symbols: int,
        denoiser: str = "perceptron",
        sampler: Mapping[str, str | int] | None = None,
        width: int = 64,
    ) -> None:
        super().__init__(
            horizon,
            Encoder(features, context_length, symbols, width),
            make_denoiser(denoiser, horizon, width),
            width,
            straight,
            make_sampler(straight, {"steps": 5, **(sampler or {})}),
        )

    def weight(self, angle: Tensor) -> Tensor:
        r""":math:`1 / r^2 = (\cos\varphi + \sin\varphi)^2`."""
        return (angle.cos() + angle.sin()) ** 2
