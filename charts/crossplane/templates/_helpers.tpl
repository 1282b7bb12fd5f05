{{/* Labels of every object. */}}
{{- define "crossplane.labels" -}}
app.kubernetes.io/name: crossplane
app.kubernetes.io/part-of: crossplane
backstack.dev/hub: {{ .Values.hub }}
{{- end -}}
