{{/* Labels of an object of one component. Takes a list: the root context, the component. */}}
{{- define "hub.kyverno.labels" -}}
app.kubernetes.io/name: kyverno-{{ index . 1 }}
backstack.dev/hub: {{ (index . 0).Values.hub }}
{{ include "hub.kyverno.component" (index . 1) }}
{{- end -}}

{{/* The labels by which a controller's ClusterRole finds its parts. */}}
{{- define "hub.kyverno.component" -}}
app.kubernetes.io/component: {{ . }}
app.kubernetes.io/instance: kyverno
app.kubernetes.io/part-of: kyverno
{{- end -}}

{{/*
A controller's account, and a ClusterRole that is the sum of its parts, for others to add to. Takes a list: the root
context, the controller.
*/}}
{{- define "hub.kyverno.account" -}}
{{- $controller := index . 1 -}}
{{- $root := index . 0 -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: kyverno-{{ $controller }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "hub.kyverno.labels" . | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: kyverno:{{ $controller }}
  labels:
    {{- include "hub.kyverno.labels" . | nindent 4 }}
aggregationRule:
  clusterRoleSelectors:
    - matchLabels:
        rbac.kyverno.io/aggregate-to-{{ $controller }}: "true"
    - matchLabels:
        {{- include "hub.kyverno.component" $controller | nindent 8 }}
{{- end -}}

{{/* A binding of the controller's account. Takes a list: root context, controller, kind and name of the role. */}}
{{- define "hub.kyverno.binding" -}}
{{- $root := index . 0 -}}
{{- $controller := index . 1 -}}
{{- $kind := index . 2 -}}
{{- $name := index . 3 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: kyverno:{{ $controller }}{{ if ne $name (printf "kyverno:%s" $controller) }}:{{ splitList ":" $name | last }}{{ end }}
  {{- if eq $kind "Role" }}
  namespace: {{ $root.Release.Namespace }}
  {{- end }}
  labels:
    {{- include "hub.kyverno.labels" (list $root $controller) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: kyverno-{{ $controller }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}
