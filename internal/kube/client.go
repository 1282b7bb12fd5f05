// Package kube is what backstack needs of a Kubernetes API: applying objects, installing custom resource definitions,
// waiting by watching, saying why pods do not run, and forwarding ports to them.
package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Field managers of what backstack applies.
const (
	// Backstack is for what backstack itself looks after.
	Backstack = "backstack"
	// ArgoCD is the name under which Argo CD applies. What backstack applies first and Argo CD looks after from then on
	// goes by that name, so that there is nothing to hand over.
	ArgoCD = "argocd-controller"
)

// parallel is how many requests run at once: enough to hide the latency, few enough to leave the API server time for the
// programs that start meanwhile.
const parallel = 8

// requestTimeout bounds a single request that is not a watch.
const requestTimeout = 30 * time.Second

// Client talks to one cluster.
type Client struct {
	dynamic  dynamic.Interface
	metadata metadata.Interface
	core     corev1client.CoreV1Interface // for what is not an object: logs and forwarded ports
	config   *rest.Config
}

// New makes a client from the kubeconfig at path, with its current context.
func New(path string) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", path, err)
	}
	return NewForConfig(config)
}

// NewForConfig makes a client from a configuration.
func NewForConfig(config *rest.Config) (*Client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server's own fairness is the limit
	config.UserAgent = "backstack"
	config.WarningHandler = rest.NoWarnings{}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	core, err := corev1client.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return &Client{dynamic: dyn, metadata: meta, core: core, config: config}, nil
}

// resource is the endpoint of an object's kind. The plural is guessed, and an object that names a namespace is taken to have
// one: asking the API server for its kinds would take longer than the rest.
func (c *Client) resource(obj *unstructured.Unstructured) dynamic.ResourceInterface {
	resource := c.dynamic.Resource(guessResource(obj.GroupVersionKind()))
	if obj.GetNamespace() != "" {
		return resource.Namespace(obj.GetNamespace())
	}
	return resource
}

// guessResource makes the plural that kinds' resources have. To apimachinery, that of Gateway is gatewaies.
func guessResource(kind schema.GroupVersionKind) schema.GroupVersionResource {
	guessed, _ := meta.UnsafeGuessKindToResource(kind)
	if stem, ok := strings.CutSuffix(guessed.Resource, "ies"); ok && stem != "" && strings.Contains("aeo", stem[len(stem)-1:]) {
		guessed.Resource = stem + "ys"
	}
	return guessed
}

// Apply makes the objects what they say, by server-side apply under the name of manager. Their order does not matter; all
// faults are returned together; Unadmitted tells what becomes of those that may pass.
func (c *Client) Apply(ctx context.Context, manager string, objects ...*unstructured.Unstructured) error {
	var group errgroup.Group
	group.SetLimit(parallel)
	faults := make([]error, len(objects))
	for i, obj := range objects {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			options := metav1.ApplyOptions{FieldManager: manager, Force: true}
			if _, err := c.resource(obj).Apply(ctx, obj.GetName(), obj, options); err != nil {
				faults[i] = fmt.Errorf("applying %s: %w", Describe(obj), admission(obj, err))
			}
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(faults...)
}

// Get reads one object; the error is a Kubernetes one, for apierrors.IsNotFound and its like.
func (c *Client) Get(ctx context.Context, gvr schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return c.dynamic.Resource(gvr).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
}

// List reads all objects of a kind in namespace, or in all if it is empty.
func (c *Client) List(ctx context.Context, gvr schema.GroupVersionResource, namespace string) ([]unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list, err := c.dynamic.Resource(gvr).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", gvr.Resource, err)
	}
	return list.Items, nil
}

// Dynamic gives access to everything else.
func (c *Client) Dynamic() dynamic.Interface { return c.dynamic }

// Describe names an object for a person: Kind namespace/name.
func Describe(obj *unstructured.Unstructured) string {
	if ns := obj.GetNamespace(); ns != "" {
		return obj.GetKind() + " " + ns + "/" + obj.GetName()
	}
	return obj.GetKind() + " " + obj.GetName()
}
