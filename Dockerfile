# One image for every part of a fedai network; the command says which part it is (see docker-compose.yml).
FROM node:24-bookworm-slim
WORKDIR /fedai
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
ENTRYPOINT ["/bin/sh", "docker/party.sh"]
