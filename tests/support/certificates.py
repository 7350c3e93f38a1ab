"""Certificates of servers and clients of a test, and the authority that signs them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The certificate of a new authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
    builder = _dated(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return builder.sign(key, hashes.SHA256()), key


def issue(
    folder: Path, file: str, name: str, authority: x509.Certificate, signer: ec.EllipticCurvePrivateKey
) -> None:
    """Write ``file``.crt and ``file``.key into ``folder``: a certificate for the host ``name``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _dated(subject, authority.subject, key)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    write_pem(folder / f"{file}.crt", builder.sign(signer, hashes.SHA256()))
    secret = folder / f"{file}.key"
    secret.touch(0o600)
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _dated(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(tz=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )


def write_pem(file: Path, certificate: x509.Certificate) -> None:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
