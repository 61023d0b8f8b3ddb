"""How a model without a certificate is refused."""


class CertificateRefusedError(ValueError):
    """No certificate exists for this model; the message says why."""
