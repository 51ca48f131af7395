# MinIO that does not run as root: a fresh volume at /objects belongs to the user it runs as.
#   docker build -f infra/images/minio.Dockerfile -t onestory/minio:2025-09-07 .
# It is the last image that MinIO published; later releases are source only. What that means for
# CVE-2025-62506 stands in infra/README.md.

FROM minio/minio:RELEASE.2025-09-07T16-13-09Z
RUN mkdir -p /objects && chown 1000:1000 /objects
USER 1000:1000
CMD ["server", "/objects", "--console-address", ":9001"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=4 \
    CMD ["curl", "--fail", "--silent", "--max-time", "5", "http://127.0.0.1:9000/minio/health/live"]
