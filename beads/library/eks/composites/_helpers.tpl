{{/* A patch of a field with the request's id in a format: (list FIELD FORMAT). */}}
{{- define "patch.id" -}}
- type: FromCompositeFieldPath
  fromFieldPath: spec.id
  toFieldPath: {{ index . 0 }}
  transforms:
    - type: string
      string:
        type: Format
        fmt: {{ index . 1 | quote }}
{{- end }}
