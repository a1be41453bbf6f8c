# The image holds the program, the libraries it links against and the certificates of the public authorities: no shell,
# no package manager. It needs no privilege and no writable root; what it keeps lies in data_dir, a volume.
#
#   docker build -t tailgate .        docker run --read-only --rm -i tailgate pipe --unflatten . < access.log

FROM debian:trixie-slim AS build
WORKDIR /src
# The packages first: a change of the sources does not install them again.
COPY dev ./
COPY tests/packages.txt tests/
RUN ./dev setup build
COPY CMakeLists.txt CMakePresets.json ./
COPY src src
COPY filters filters
# Where a volume with the compiler's cache is, if there is one.
ARG CCACHE_DIR
RUN ./dev build release
COPY deploy/image-root deploy/
RUN deploy/image-root build/release/tailgate /image

FROM scratch
COPY --from=build /image /
USER 65532:65532
WORKDIR /var/lib/tailgate
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["/usr/bin/tailgate"]
CMD ["run", "-c", "/etc/tailgate/tailgate.yaml"]
