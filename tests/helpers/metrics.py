"""What /metrics says, read by Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, str | None], float]  # by name and the value of the label, if there is one


def samples(text: str) -> Samples:
    """Every sample; each family is described, and no histogram contradicts itself."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation.endswith("."), family
        assert family.samples, family
        for sample in family.samples:
            name = (sample.name, next(iter(sample.labels.values()), None))
            assert len(sample.labels) <= 1 and name not in found, sample
            found[name] = sample.value
        if family.type == "histogram":
            counts = [sample.value for sample in family.samples if sample.name == f"{family.name}_bucket"]
            assert counts == sorted(counts) and counts[-1] == found[f"{family.name}_count", None], family
            assert (f"{family.name}_bucket", "+Inf") in found and found[f"{family.name}_sum", None] >= 0
    return found
