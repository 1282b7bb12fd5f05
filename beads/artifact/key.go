package artifact

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// parsePublicKey reads a cosign.pub.
func parsePublicKey(text []byte) (crypto.PublicKey, error) {
	const want = `want the PEM block "PUBLIC KEY" that cosign generate-key-pair writes to cosign.pub`
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("reading the public key: it is none: " + want)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w: %s", err, want)
	}
	switch key.(type) {
	case *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey:
		return key, nil
	}
	return nil, fmt.Errorf("reading the public key: it is a %T: want ECDSA, RSA or Ed25519", key)
}

// signed says whether a signature over data was made with the private half of key, in the way of cosign: SHA-256, and
// for RSA PKCS #1 v1.5.
func signed(key crypto.PublicKey, data, signature []byte) bool {
	digest := sha256.Sum256(data)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, data, signature)
	}
	return false
}
