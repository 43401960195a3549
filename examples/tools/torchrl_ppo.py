"""PPO of TorchRL with masked categorical actions, on the dict observation as it is.

    python examples/tools/torchrl_ppo.py [STEPS]
"""

import sys

import gymnasium as gym
import torch
from tensordict.nn import ProbabilisticTensorDictSequential as Sequence
from tensordict.nn import TensorDictModule as Module
from torchrl.collectors import SyncDataCollector
from torchrl.envs import Compose, DTypeCastTransform, GymWrapper, TransformedEnv, UnsqueezeTransform
from torchrl.modules import MLP, MaskedCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE
