package kube

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Exec runs a command in the first container of a ready pod that selector finds, and returns what it prints. An error has
// what it wrote to its standard error, and nothing of its output, which may be secret.
func (c *Client) Exec(ctx context.Context, namespace, selector string, command ...string) (string, error) {
	pod, err := c.readyPod(ctx, namespace, selector)
	if err != nil {
		return "", err
	}
	config := rest.CopyConfig(c.config)
	config.APIPath, config.GroupVersion = "/api", &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return "", fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	url := client.Post().Resource("pods").Namespace(namespace).Name(pod.Name).SubResource("exec").VersionedParams(
		&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, url.String())
	if err != nil {
		return "", fmt.Errorf("running %s in pod %s/%s: %w", command[0], namespace, pod.Name, err)
	}
	var stdout, stderr bytes.Buffer
	if err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr}); err != nil {
		return "", fmt.Errorf("running %s in pod %s/%s: %w: %s", command[0], namespace, pod.Name, err,
			strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
