# SPDX-License-Identifier: Apache-2.0
"""Real services for the end-to-end tests, on loopback and free ports: Kafka, Envoy, the stand-in gateway,
Prometheus, and a scripted server of faults. Each module also runs from the command line: python3 -m services.kafka"""
