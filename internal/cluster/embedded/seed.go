package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/pki"
)

// crdPrefix is where the API server keeps custom resource definitions in etcd.
const crdPrefix = "/registry/apiextensions.k8s.io/customresourcedefinitions/"

// seed writes the components' custom resource definitions into etcd before the API server starts for the first time. An
// API server that finds them there serves them within a second; taking them one by one costs it more than everything else
// that an install does. Definitions that are there stay; EnsureDefinitions brings them up to date through the API.
func (p programs) seed(ctx context.Context) error {
	etcd, err := newEtcd(loopbackURL(p.ports[portEtcd]), p.PKI())
	if err != nil {
		return err
	}
	empty, err := etcd.empty(ctx, crdPrefix)
	if err != nil || !empty {
		return err
	}
	definitions, err := kube.ReadCRDs(p.definitionDirs()...)
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, definition := range definitions {
		group.Go(func() error {
			if err := established(definition); err != nil {
				return err
			}
			data, err := json.Marshal(definition)
			if err != nil {
				return fmt.Errorf("encoding %s: %w", kube.Describe(definition), err)
			}
			return etcd.create(ctx, crdPrefix+definition.GetName(), data)
		})
	}
	return group.Wait()
}

func (p programs) definitionDirs() []string {
	var dirs []string
	for _, component := range []string{"argocd", "crossplane", "kyverno"} {
		dirs = append(dirs, p.engine.Share(component, "crds"))
	}
	return dirs
}

// established makes of a definition what the API server makes of it when it has accepted it.
func established(definition *unstructured.Unstructured) error {
	now := metav1.NewTime(time.Now())
	definition.SetUID(types.UID(uuid.NewUUID()))
	definition.SetCreationTimestamp(now)
	definition.SetGeneration(1)
	names, _, err := unstructured.NestedMap(definition.Object, "spec", "names")
	if err != nil {
		return fmt.Errorf("reading the names of %s: %w", kube.Describe(definition), err)
	}
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	if err != nil {
		return fmt.Errorf("reading the versions of %s: %w", kube.Describe(definition), err)
	}
	var stored []any
	for _, item := range versions {
		if version, ok := item.(map[string]any); ok && version["storage"] == true {
			stored = append(stored, version["name"])
		}
	}
	condition := func(kind, reason, message string) any {
		return map[string]any{
			"type": kind, "status": "True", "reason": reason, "message": message,
			"lastTransitionTime": now.UTC().Format(time.RFC3339),
		}
	}
	definition.Object["status"] = map[string]any{
		"acceptedNames":  names,
		"storedVersions": stored,
		"conditions": []any{
			condition("NamesAccepted", "NoConflicts", "no conflicts found"),
			condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
		},
	}
	return nil
}

// etcd speaks to etcd's JSON gateway (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/): the two calls that are
// needed here do not make up for a gRPC client.
type etcd struct {
	url  string
	http *http.Client
}

func newEtcd(url string, dir pki.Dir) (*etcd, error) {
	client, err := dir.HTTPClient("etcd-ca", "etcd-client")
	if err != nil {
		return nil, err
	}
	return &etcd{url: url, http: client}, nil
}

// empty says whether there is no key below prefix.
func (e *etcd) empty(ctx context.Context, prefix string) (bool, error) {
	end := []byte(prefix)
	end[len(end)-1]++ // the first key after all that begin with prefix
	var answer struct {
		Count string `json:"count"`
	}
	err := e.call(ctx, "/v3/kv/range", map[string]any{"key": []byte(prefix), "range_end": end, "count_only": true}, &answer)
	return answer.Count == "" || answer.Count == "0", err
}

// create writes key unless it is there.
func (e *etcd) create(ctx context.Context, key string, value []byte) error {
	return e.call(ctx, "/v3/kv/txn", map[string]any{
		"compare": []any{map[string]any{"key": []byte(key), "target": "CREATE", "create_revision": "0"}},
		"success": []any{map[string]any{"request_put": map[string]any{"key": []byte(key), "value": value}}},
	}, nil)
}

func (e *etcd) call(ctx context.Context, path string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding a request to etcd: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	response, err := e.http.Do(request)
	if err != nil {
		return fmt.Errorf("writing to etcd: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("writing to etcd: %s: %s", response.Status, text)
	}
	if answer == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
