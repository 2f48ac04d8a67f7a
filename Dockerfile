# Two stages: the first builds the wheel and installs it by the steps that .ci/run rehearses; the second holds the result alone.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN PYTHON=/tools/bin/python .ci/install /app

FROM python:3.11-slim
RUN python -m pip uninstall --yes --quiet pip \
 && useradd --system --uid 10001 --home-dir /var/lib/verify --create-home verify
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VERIFY_HOST=0.0.0.0 \
    VERIFY_PORT=8000
USER verify
# State of the embedded default (SQLite, keys) lies here in var/; mount a volume, or name a PostgreSQL in VERIFY_DATABASE_URL.
WORKDIR /var/lib/verify
RUN mkdir var
VOLUME /var/lib/verify/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"VERIFY_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["verify-service"]
CMD ["serve"]
