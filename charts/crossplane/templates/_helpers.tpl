{{/* Labels of every object. */}}
{{- define "hub.crossplane.labels" -}}
app.kubernetes.io/name: crossplane
app.kubernetes.io/part-of: crossplane
backstack.dev/hub: {{ .Values.hub }}
{{- end -}}

{{/*
Annotations of an object of a kind that Crossplane's pod defines when it starts. Takes a list: the root context, the
wave of the object.
*/}}
{{- define "hub.crossplane.wave" -}}
{{- if not (index . 0).Values.embedded -}}
annotations:
  argocd.argoproj.io/sync-wave: {{ index . 1 | quote }}
{{- end -}}
{{- end -}}
