# mecsim as a command, kernels compiled. For an NVIDIA GPU:
#   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 --build-arg EXTRAS=cuda,data,export
ARG PYTHON=3.12
FROM python:${PYTHON}-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=data,export
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir --index-url "${TORCH_INDEX}" --extra-index-url https://pypi.org/simple \
        "$(grep '^torch==' constraints.txt)" \
    && pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]" \
    && rm -rf /src/*
ENV MECSIM_CACHE_DIR=/var/cache/mecsim
RUN mecsim warmup && chmod -R a+rwX /var/cache/mecsim
WORKDIR /work
ENTRYPOINT ["mecsim"]
