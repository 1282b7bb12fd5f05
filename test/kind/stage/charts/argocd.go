package charts

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// standIn holds those files of the stand-in for argo-helm's chart that are not made from Argo CD's manifests.
//
//go:embed all:argocd
var standIn embed.FS

// argoCD makes a stand-in for argo-helm's chart argo-cd out of the manifests of an Argo CD release: the objects that
// the real one makes with the values that the stand-in's schema allows, under the same names.
func argoCD(module fs.FS) (files, error) {
	chart, err := folder(standIn, "argocd")
	if err != nil {
		return nil, err
	}
	manifests, err := fs.ReadFile(module, "manifests/install.yaml")
	if err != nil {
		return nil, err
	}
	for documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return chart, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return nil, err
		}
		if object.Object == nil || leftOut(object) {
			continue
		}
		template, err := argoCDTemplate(object)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		chart["templates/"+strings.ToLower(object.GetKind())+"-"+object.GetName()+".yaml"] = template
	}
}

// leftOut says whether an object of a full install is none of the stand-in's: Dex, notifications, metrics,
// configuration, the account by which an init container makes Redis's password, and what lets ApplicationSets be in
// every namespace. One piece of configuration argo-helm's chart makes whatever its values say: argocd-gpg-keys-cm.
func leftOut(object *unstructured.Unstructured) bool {
	name := object.GetName()
	switch object.GetKind() {
	case "ConfigMap":
		return name != "argocd-gpg-keys-cm"
	case "Secret":
		return true
	case "Service":
		if strings.HasSuffix(name, "metrics") {
			return true
		}
	case "ServiceAccount", "Role", "RoleBinding":
		if name == "argocd-redis" {
			return true
		}
	case "ClusterRole", "ClusterRoleBinding", "NetworkPolicy":
		if strings.HasPrefix(name, "argocd-applicationset-controller") {
			return true
		}
	}
	return strings.HasPrefix(name, "argocd-dex-server") || strings.HasPrefix(name, "argocd-notifications")
}

// argoCDTemplate makes an object of a release a template of one.
func argoCDTemplate(object *unstructured.Unstructured) ([]byte, error) {
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{
		"app.kubernetes.io/instance":   include("argocd.instance"),
		"app.kubernetes.io/managed-by": include("argocd.service"),
		"helm.sh/chart":                include("argocd.chart"),
	})
	object.SetLabels(labels)

	condition := ""
	switch object.GetKind() {
	case "CustomResourceDefinition":
		object.Object["metadata"].(map[string]any)["annotations"] = block("argocd.definitionAnnotations")
		return template(object.Object, "crds.install")
	case "ClusterRole":
		return template(object.Object, "")
	case "ClusterRoleBinding":
		for _, subject := range object.Object["subjects"].([]any) {
			subject.(map[string]any)["namespace"] = include("argocd.namespace")
		}
		return template(object.Object, "")
	case "NetworkPolicy":
		object.SetName(strings.TrimSuffix(object.GetName(), "-network-policy"))
		condition = "global.networkPolicy.create"
	case "Deployment", "StatefulSet":
		if err := openWorkload(object); err != nil {
			return nil, err
		}
	case "ConfigMap":
		object.Object["data"] = optional("configs.gpg.keys")
	case "Service":
		if object.GetName() == "argocd-server" {
			object.Object["spec"].(map[string]any)["type"] = value("server.service.type")
		}
	}
	object.SetNamespace(include("argocd.namespace"))
	return template(object.Object, condition)
}

// components are the keys of the workloads in the chart's values.
var components = map[string]string{
	"argocd-application-controller":    "controller",
	"argocd-applicationset-controller": "applicationSet",
	"argocd-redis":                     "redis",
	"argocd-repo-server":               "repoServer",
	"argocd-server":                    "server",
}

// openWorkload opens a workload to the chart's values.
func openWorkload(workload *unstructured.Unstructured) error {
	key, known := components[workload.GetName()]
	if !known {
		return errors.New("no key of the values is about it")
	}
	spec := workload.Object["spec"].(map[string]any)
	if key != "redis" {
		spec["replicas"] = value(key + ".replicas")
	}
	template := spec["template"].(map[string]any)
	metadata, pod := template["metadata"].(map[string]any), template["spec"].(map[string]any)
	metadata["annotations"] = optional(key + ".podAnnotations")
	metadata["labels"].(map[string]any)[appended(key+".podLabels")] = ""
	pod["imagePullSecrets"] = optional("global.imagePullSecrets")
	pod["tolerations"] = optional("global.tolerations")
	pod["volumes"] = appendedTo(pod["volumes"], key+".volumes")
	if key == "redis" {
		// That would make the Secret argocd-redis, which is made before Argo CD is installed.
		delete(pod, "initContainers")
		delete(pod, "serviceAccountName")
		pod["automountServiceAccountToken"] = false
	}
	initContainers, _ := pod["initContainers"].([]any)
	for _, container := range initContainers {
		openContainer(container.(map[string]any), key)
	}
	for _, container := range pod["containers"].([]any) {
		c := container.(map[string]any)
		openContainer(c, key)
		c["args"] = appendedTo(c["args"], key+".extraArgs")
		c["env"] = appendedTo(c["env"], key+".env")
		c["volumeMounts"] = appendedTo(c["volumeMounts"], key+".volumeMounts")
		if probe, ok := c["readinessProbe"].(map[string]any); ok {
			for _, setting := range []string{"initialDelaySeconds", "periodSeconds", "failureThreshold"} {
				probe[setting] = value(key + ".readinessProbe." + setting)
			}
		}
	}
	return nil
}

func openContainer(container map[string]any, key string) {
	container["resources"] = values(key + ".resources")
	container["image"], container["imagePullPolicy"] = include("argocd.image"), value("global.image.imagePullPolicy")
	if key == "redis" {
		container["image"] = include("argocd.redisImage")
	}
}
