{{/* Labels of every object. */}}
{{- define "hub.traefik.labels" -}}
{{ include "hub.traefik.selector" . }}
app.kubernetes.io/part-of: traefik
backstack.dev/hub: {{ .Values.hub }}
{{- end -}}

{{/* The labels by which the pod is found. */}}
{{- define "hub.traefik.selector" -}}
app.kubernetes.io/name: traefik
{{- end -}}
