# One image for every role; compose.yaml names the role.
FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app
WORKDIR /app
COPY requirements/run.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY domain domain
COPY adapters adapters
COPY projections projections
COPY streams streams
COPY api api
COPY ops ops
COPY kafka kafka
COPY examples examples
RUN useradd --system --uid 10001 penguin && install -d -o penguin /var/lib/penguin
USER penguin
VOLUME /var/lib/penguin
ENTRYPOINT ["python", "-m", "ops.cli"]
