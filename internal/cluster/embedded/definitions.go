package embedded

import (
	"context"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/kube"
)

// EnsureDefinitions brings the components' custom resource definitions up to date, and makes the objects that their
// programs' init containers make on a cluster that runs pods.
func (c *Cluster) EnsureDefinitions(ctx context.Context, _ func(string)) error {
	client, err := kube.New(c.Layout.Kubeconfig())
	if err != nil {
		return err
	}
	if err := client.InstallCRDs(ctx, c.programs.definitionDirs()...); err != nil {
		return err
	}
	packages, err := c.programs.offerPackages()
	if err != nil {
		return err
	}
	certificate, err := c.programs.functionCertificate()
	if err != nil {
		return err
	}
	certificates, err := c.programs.webhookCertificates()
	if err != nil {
		return err
	}
	if err := client.Apply(ctx, kube.Backstack, namespace(crossplaneNamespace), namespace(kyvernoNamespace)); err != nil {
		return err
	}
	objects := append(packages, crossplaneLock(), certificate)
	return client.Apply(ctx, kube.Backstack, append(objects, certificates...)...)
}

// The namespaces in which Crossplane's and Kyverno's programs keep what is their own.
const (
	crossplaneNamespace = "crossplane-system"
	kyvernoNamespace    = "kyverno"
)

func namespace(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
}

// secretOf makes a Secret of files, by key.
func secretOf(namespace, name string, files map[string]string) (*unstructured.Unstructured, error) {
	data := map[string]any{}
	for key, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("making the Secret %s/%s: %w", namespace, name, err)
		}
		data[key] = string(content)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "stringData": data,
		"metadata": map[string]any{"name": name, "namespace": namespace},
	}}, nil
}

// crossplaneLock is the object in which Crossplane's package manager keeps its dependencies, as `crossplane core init`
// makes it.
func crossplaneLock() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "pkg.crossplane.io/v1beta1", "kind": "Lock", "metadata": map[string]any{"name": "lock"},
	}}
}

// upstreamRegistry is where the functions' packages come from on a cluster that can fetch them.
const upstreamRegistry = "xpkg.crossplane.io/crossplane-contrib/"

// offerPackages puts the contents of the functions' packages into Crossplane's cache, and returns the objects that tell
// Crossplane that a package of upstream's name and version is the one in the cache: with a digest there is nothing to ask
// a registry for. So Git says the same on every provider, and this one needs no registry.
func (p programs) offerPackages() ([]*unstructured.Unstructured, error) {
	var configs []*unstructured.Unstructured
	for _, content := range p.engine.Manifest.Packages {
		data, err := os.ReadFile(p.engine.Share("crossplane", "packages", content.Name+".gz"))
		if err != nil {
			return nil, fmt.Errorf("reading the package of %s: %w", content.Name, err)
		}
		source, digest := upstreamRegistry+content.Name, "sha256:"+content.Digest
		if err := atomicfile.Write(p.packageCache()+"/"+cacheKey(source, digest)+".gz", data, 0o600); err != nil {
			return nil, err
		}
		configs = append(configs, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "pkg.crossplane.io/v1beta1",
			"kind":       "ImageConfig",
			"metadata":   map[string]any{"name": "embedded-" + content.Name},
			"spec": map[string]any{
				"matchImages": []any{map[string]any{
					"type": "Prefix", "prefix": source + ":v" + strings.TrimPrefix(content.Version, "v"),
				}},
				"rewriteImage": map[string]any{"prefix": source + "@" + digest},
			},
		}})
	}
	return configs, nil
}

// cacheKey is the name under which Crossplane's cache keeps a package: FriendlyID of crossplane-runtime's package xpkg.
func cacheKey(source, digest string) string {
	const longestSource, longestDigest, longest = 50, 12, 63
	id := source[:min(len(source), longestSource)] + "-" + digest[:min(len(digest), longestDigest)]
	id = id[:min(len(id), longest)]
	key := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case strings.ContainsRune("./:-", r):
			return '-'
		}
		return -1
	}, id)
	return strings.Trim(key, "-")
}
