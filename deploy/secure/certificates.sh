#!/bin/sh
# An authority, and with it a key and a certificate for each part, in one file that this part alone can read.
# Made once; the authority's key is not kept. For new ones: stop the stack, remove the volume, start it.
set -eu
cd /certificates
[ ! -e ca.pem ] || exit 0
umask 077

make() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 "$@" 2>/dev/null; }

make -subj "/CN=KeyFrame" -addext keyUsage=critical,keyCertSign,cRLSign -keyout /tmp/ca.key -out /tmp/ca.pem
for part in kafka:1000 postgres:postgres s3:root; do
  name=${part%:*} owner=${part#*:}
  make -subj "/CN=$name" -addext "subjectAltName=DNS:$name" -addext basicConstraints=critical,CA:FALSE \
    -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth \
    -CA /tmp/ca.pem -CAkey /tmp/ca.key -keyout /tmp/key -out /tmp/certificate
  rm -f "$name.pem" # of a run that was cut off: its owner's, no longer ours to write
  cat /tmp/key /tmp/certificate >"$name.pem"
  chmod 400 "$name.pem"
  chown "$owner" "$name.pem"
done
cat /tmp/ca.pem >ca.part
chmod 444 ca.part
mv ca.part ca.pem
