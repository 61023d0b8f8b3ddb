"""Certificates that travel: one file an evaluation, written here, and verified again anywhere without a search."""

from natrob_empirical.certificate_files.checking import CertificateCheck as CertificateCheck
from natrob_empirical.certificate_files.checking import CertificateMismatchError as CertificateMismatchError
from natrob_empirical.certificate_files.checking import check_certificates as check_certificates
from natrob_empirical.certificate_files.grids import grids_of as grids_of
from natrob_empirical.certificate_files.hashes import network_sha256 as network_sha256
from natrob_empirical.certificate_files.hashes import tensor_hash as tensor_hash
from natrob_empirical.certificate_files.reading import read_certificates as read_certificates
from natrob_empirical.certificate_files.reading import read_smoothing as read_smoothing
from natrob_empirical.certificate_files.smoothed import smoothing_file as smoothing_file
from natrob_empirical.certificate_files.smoothed import write_smoothing as write_smoothing
from natrob_empirical.certificate_files.writing import certificate_file as certificate_file
from natrob_empirical.certificate_files.writing import certificate_text as certificate_text
from natrob_empirical.certificate_files.writing import radii_to_write as radii_to_write
from natrob_empirical.certificate_files.writing import write_certificates as write_certificates
