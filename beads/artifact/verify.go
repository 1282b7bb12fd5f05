package artifact

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
)

// How cosign stores signatures, https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md: a layer holds
// what was signed, and an annotation of the layer the signature in base64.
const (
	payloadType         = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
	signatureType       = "cosign container image signature"
	referrerType        = "application/vnd.dev.cosign.artifact.sig.v1+json"

	maxSignatures = 100 // manifests that are looked at, and signatures in each
	maxPayload    = 64 << 10
)

// Verify says that the artifact that ref names was signed with the private half of a public key, and returns the
// reference to just that artifact. It looks for signatures where cosign puts them: at the tag sha256-HEX.sig of the
// same repository, and at the artifact's referrers. It needs no transparency log: whoever holds the key is trusted.
func Verify(ctx context.Context, ref string, publicKey []byte, o Options) (Reference, error) {
	source, err := ParseReference(ref)
	if err != nil {
		return Reference{}, fmt.Errorf("verifying the Bead: %w", err)
	}
	key, err := parsePublicKey(publicKey)
	if err != nil {
		return Reference{}, fmt.Errorf("verifying %s: %w", source, err)
	}
	repo, err := repository(ctx, source, o)
	if err != nil {
		return Reference{}, fmt.Errorf("verifying %s: %w", source, err)
	}
	subject, err := resolve(ctx, repo, source)
	if err != nil {
		return Reference{}, fmt.Errorf("verifying %s: %w", source, explain(err, source))
	}
	if err := verify(ctx, repo, subject, key); err != nil {
		return Reference{}, fmt.Errorf("verifying %s: %w", source, err)
	}
	return source.At(subject.Digest.String()), nil
}

// verify finds one good signature. It is nothing to find bad ones beside it: anybody who may push can add some.
func verify(ctx context.Context, repo *remote.Repository, subject ocispec.Descriptor, key crypto.PublicKey) error {
	names, err := signatureManifests(ctx, repo, subject)
	if err != nil {
		return fmt.Errorf("looking for signatures: %w", err)
	}
	var faults []error
	for _, name := range names[:min(len(names), maxSignatures)] {
		layers, err := signatureLayers(ctx, repo, name)
		if err != nil {
			faults = append(faults, err)
		}
		for _, layer := range layers {
			if err = judge(ctx, repo, layer, subject, key); err == nil {
				return nil
			}
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 {
		return errors.New("it is not signed: want a signature by cosign sign --key FILE --new-bundle-format=false")
	}
	return fmt.Errorf("no signature is good: %w", errors.Join(faults...))
}

// signatureManifests names the manifests that may hold signatures of subject.
func signatureManifests(ctx context.Context, repo *remote.Repository, subject ocispec.Descriptor) ([]string, error) {
	names := []string{strings.Replace(subject.Digest.String(), ":", "-", 1) + ".sig"}
	err := repo.Referrers(ctx, subject, referrerType, func(referrers []ocispec.Descriptor) error {
		for _, referrer := range referrers {
			names = append(names, referrer.Digest.String())
		}
		return nil
	})
	return names, err
}

// signatureLayers returns the layers of a manifest that hold what was signed; none if there is no such manifest.
func signatureLayers(ctx context.Context, repo *remote.Repository, name string) ([]ocispec.Descriptor, error) {
	manifest, err := pullManifest(ctx, repo, name)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the signatures in %s: %w", name, err)
	}
	var parsed ocispec.Manifest
	if err := json.Unmarshal(manifest.content, &parsed); err != nil {
		return nil, fmt.Errorf("reading the signatures in %s: it is no JSON: %w", name, err)
	}
	return parsed.Layers[:min(len(parsed.Layers), maxSignatures)], nil
}

// payload is what cosign signs, https://github.com/containers/image/blob/main/docs/containers-signature.5.md.
type payload struct {
	Critical struct {
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
}

// judge judges one signature: it must be the key's, and say that it is for subject.
func judge(
	ctx context.Context, repo *remote.Repository, layer, subject ocispec.Descriptor, key crypto.PublicKey,
) error {
	if err := checkDescriptor("signature", layer, payloadType, maxPayload); err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(layer.Annotations[signatureAnnotation])
	if err != nil {
		return fmt.Errorf("the annotation %s is no base64: %w", signatureAnnotation, err)
	}
	data, err := content.FetchAll(ctx, repo, layer)
	if err != nil {
		return fmt.Errorf("fetching what was signed: %w", err)
	}
	if !signed(key, data, signature) {
		return errors.New("it was not made with the key: want the public key of whoever signed the Bead")
	}
	var claim payload
	if err := json.Unmarshal(data, &claim); err != nil {
		return fmt.Errorf("what was signed is no JSON: %w", err)
	}
	if claim.Critical.Type != signatureType {
		return fmt.Errorf("what was signed is %q: want %q", claim.Critical.Type, signatureType)
	}
	if got := claim.Critical.Image.Digest; got != subject.Digest.String() {
		return fmt.Errorf("it is for %s, which is another artifact than %s", got, subject.Digest)
	}
	return nil
}
