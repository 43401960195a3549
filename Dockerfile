# mecsim as a command, its kernels compiled. For an NVIDIA GPU:
#   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 --build-arg EXTRAS=cuda,data,export
ARG PYTHON=3.12
FROM python:${PYTHON}-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=data,export
RUN --mount=type=bind,target=/src,rw \
    cd /src \
    && pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)" \
    && pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"
ENV MECSIM_CACHE_DIR=/var/cache/mecsim
RUN mecsim warmup && chmod -R a+rwX /var/cache/mecsim
WORKDIR /work
ENTRYPOINT ["mecsim"]
