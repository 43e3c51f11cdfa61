# docker build -t numprobe . && docker run --rm -v "$PWD:/work" numprobe study HuggingFaceTB/SmolLM2-135M
# With a GPU: docker build --build-arg TORCH=https://download.pytorch.org/whl/cu128 ..., docker run --gpus all ...
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*

ARG TORCH=https://download.pytorch.org/whl/cpu
WORKDIR /opt/numprobe
COPY requirements.txt ./
RUN pip install --no-cache-dir "$(grep '^torch==' requirements.txt)" --index-url "$TORCH" \
    && grep -v '# no-deps' requirements.txt > /tmp/pins.txt \
    && grep '# no-deps' requirements.txt > /tmp/pins-no-deps.txt \
    && pip install --no-cache-dir -r /tmp/pins.txt \
    && pip install --no-cache-dir --no-deps -r /tmp/pins-no-deps.txt
COPY . .
RUN pip install --no-cache-dir --no-deps .

WORKDIR /work
ENTRYPOINT ["numprobe"]
