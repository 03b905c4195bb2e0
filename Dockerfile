# The scoring service alone: onnxruntime, numpy and the web stack, no training library, not root, nothing written.
#
#   make wheel
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" --tag onnxport-serve .
#   docker run --read-only --publish 8080:8080 --volume "$PWD/onnxport.yaml:/srv/onnxport.yaml:ro" onnxport-serve

FROM python:3.13-slim-bookworm AS install
WORKDIR /build
COPY requirements/bootstrap.txt requirements/serve.txt dist/onnxport-*.whl ./
RUN python -m pip install --no-cache-dir --require-hashes --requirement bootstrap.txt \
 && python -m venv --without-pip /opt/onnxport \
 && uv pip sync --require-hashes --only-binary :all: --compile-bytecode --python /opt/onnxport/bin/python serve.txt \
 && uv pip install --no-deps --offline --compile-bytecode --python /opt/onnxport/bin/python ./onnxport-*.whl

FROM python:3.13-slim-bookworm
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="onnxport-serve" \
      org.opencontainers.image.description="Scoring service for proven ONNX releases" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=install /opt/onnxport /opt/onnxport
ENV PATH="/opt/onnxport/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    ONNXPORT_HEALTH_URL="http://127.0.0.1:8080/health/ready"
# onnxport.yaml is found here; a volume for `onnx.state` must belong to this user
WORKDIR /srv
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['ONNXPORT_HEALTH_URL'], timeout=4)"]
ENTRYPOINT ["onnxport-serve", "--host", "0.0.0.0"]
