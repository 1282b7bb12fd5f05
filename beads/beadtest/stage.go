package beadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/kube"
)

// manager is the field manager of everything that a test brings to a hub. By it what an earlier test left, because it
// was killed, is told from what is somebody else's.
const manager = "backstack-bead-test"

// home is the namespace of objects that name none: where claims are that people ask for.
const home = "requests"

// cleanUpTimeout bounds how long removing everything from a hub may take.
const cleanUpTimeout = time.Minute

// stage is the hub on which tests run, and what was brought to it.
type stage struct {
	options   Options
	client    *kube.Client
	config    *rest.Config
	access    *hub.Access    // nil on a hub without repositories
	throwaway *hub.Throwaway // nil on a hub that was there before
	release   func()         // lets go of the hub's lock; nil if it was not taken
	installed bool           // the Bead was on the hub before; it stays as it is
	delivered bool           // the Bead comes by the hub's repository

	mu      sync.Mutex
	mapper  *restmapper.DeferredDiscoveryRESTMapper
	users   map[string]dynamic.Interface // by whom they ask as
	brought []*unstructured.Unstructured // the Bead's objects that are there
	schemas []*unstructured.Unstructured // definitions that are there for the tests
	given   []*unstructured.Unstructured // what the last tests gave, in its order
	claims  []*unstructured.Unstructured // their claims
}

func newStage(kubeconfig string, o Options) (*stage, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	config.QPS = -1 // the API server's own fairness is the limit
	config.WarningHandler = rest.NoWarnings{}
	client, err := kube.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return &stage{
		options: o, client: client, config: config, users: make(map[string]dynamic.Interface),
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds)),
	}, nil
}

// unknownKindError says that nothing defines an object's kind.
type unknownKindError struct{ object *unstructured.Unstructured }

func (e *unknownKindError) Error() string {
	return fmt.Sprintf("nothing on this hub defines %s of %s: --schemas names a folder with definitions of kinds",
		e.object.GetKind(), e.object.GetAPIVersion())
}

// kind is where the API server has the objects of a kind.
func (s *stage) kind(object *unstructured.Unstructured) (*meta.RESTMapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := object.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		s.mapper.Reset()
		mapping, err = s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if meta.IsNoMatchError(err) {
		return nil, &unknownKindError{object}
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the kind %s: %w", kind.Kind, err)
	}
	return mapping, nil
}

// kindDelay is how long the API server may take to list a kind that it serves already.
const kindDelay = 2 * time.Second

// locate returns where the API server has an object's kind, and gives the object a namespace if it needs one and has
// none.
func (s *stage) locate(ctx context.Context, object *unstructured.Unstructured) (*meta.RESTMapping, error) {
	ctx, cancel := context.WithTimeout(ctx, kindDelay)
	defer cancel()
	for {
		mapping, err := s.kind(object)
		if err == nil {
			settle(object, mapping)
			return mapping, nil
		}
		if unknown := new(unknownKindError); !errors.As(err, &unknown) || pause(ctx) != nil {
			return nil, err
		}
	}
}

// settle gives an object the namespace that it has if it names none, and takes away one that it cannot have.
func settle(object *unstructured.Unstructured, mapping *meta.RESTMapping) {
	switch namespaced := mapping.Scope.Name() == meta.RESTScopeNameNamespace; {
	case !namespaced:
		object.SetNamespace("")
	case object.GetNamespace() == "":
		object.SetNamespace(home)
	}
}

// resource is where an object is, or is to be.
func resource(
	client dynamic.Interface, mapping *meta.RESTMapping, object *unstructured.Unstructured,
) dynamic.ResourceInterface {
	if object.GetNamespace() == "" {
		return client.Resource(mapping.Resource)
	}
	return client.Resource(mapping.Resource).Namespace(object.GetNamespace())
}

// as returns a client that asks on behalf of a user; nil is the cluster's administrator.
func (s *stage) as(user *User) (dynamic.Interface, error) {
	if user == nil {
		return s.client.Dynamic(), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := user.String()
	if client, known := s.users[key]; known {
		return client, nil
	}
	config := rest.CopyConfig(s.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user.User, Groups: user.Groups}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("asking as %s: %w", user, err)
	}
	s.users[key] = client
	return client, nil
}

// String names the user and their groups.
func (u *User) String() string {
	if u == nil {
		return "the administrator"
	}
	if len(u.Groups) == 0 {
		return u.User
	}
	return u.User + " of " + strings.Join(u.Groups, ", ")
}

// ours says whether an object was brought by a test.
func ours(object *unstructured.Unstructured) bool {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply {
			return true
		}
	}
	return false
}

// again is how long to wait before asking anew for what cannot be watched.
const again = 100 * time.Millisecond

// pause waits a moment; the error is that of ctx if it ends before.
func pause(ctx context.Context) error {
	select {
	case <-time.After(again):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
