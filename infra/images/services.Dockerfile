# Prefect's server and background services, MLflow's server, and the jobs that prepare them.
#   docker build -f infra/images/services.Dockerfile -t onestory/services:0.1.0 .

FROM python:3.11.17-slim-bookworm AS installed
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements.lock infra/images/services.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir -c requirements.lock -r services.txt \
    && /opt/venv/bin/pip check

FROM python:3.11.17-slim-bookworm
RUN groupadd --gid 1000 onestory \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /tmp onestory
COPY --from=installed /opt/venv /opt/venv
COPY infra/images/healthy.py infra/images/mlflow_tables.py /opt/onestory/
COPY infra/minio /opt/onestory/minio
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PREFECT_HOME=/tmp/prefect \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 1000:1000
ENTRYPOINT ["python", "-P"]
CMD ["-m", "prefect", "server", "start", "--host", "0.0.0.0", "--no-services"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=4 \
    CMD ["python", "-P", "/opt/onestory/healthy.py", "http://127.0.0.1:4200/api/health"]
