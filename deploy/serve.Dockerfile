# A trained model over HTTP, alone: the ONNX engine and the server, without torch, DVC and Prefect.
#   docker build --file deploy/serve.Dockerfile --tag breathline-serve .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --volume "$PWD/data/export/1:/model:ro" --env BREATHLINE_SERVE_TOKEN --publish 127.0.0.1:8000:8000 breathline-serve
FROM python:3.11-slim-bookworm

# The lock first: code changes more often. libsndfile comes with soundfile's wheel.
COPY deploy/serve-requirements.lock /opt/breathline/
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement /opt/breathline/serve-requirements.lock \
    && useradd --uid 1000 --no-create-home --shell /usr/sbin/nologin breathline

COPY cli /opt/breathline/cli
COPY flows /opt/breathline/flows
COPY lineage /opt/breathline/lineage
COPY models /opt/breathline/models
COPY tasks /opt/breathline/tasks
RUN python -m compileall -q /opt/breathline

ENV PYTHONPATH=/opt/breathline \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Numeric: Kubernetes' runAsNonRoot accepts no names.
USER 1000:1000
WORKDIR /tmp
EXPOSE 8000
# Requests under way are finished (`--grace`).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "cli.serve_model"]
CMD ["/model", "--host", "0.0.0.0", "--port", "8000"]
