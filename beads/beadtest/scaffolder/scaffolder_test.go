package scaffolder

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/back-stack/backstack/beads/bead"
)

// catalog returns the files of an archive.
func catalog(archive string) bead.Files {
	files := bead.Files{}
	for _, file := range txtar.Parse([]byte(archive)).Files {
		files[file.Name] = file.Data
	}
	return files
}

const head = `-- app/template.yaml --
kind: Component
metadata: {name: app}
---
kind: Template
metadata: {name: app}
spec:
  parameters:
    - required: [name]
      properties:
        name: {type: string, pattern: "^[a-z]+$", ui:autofocus: true}
    - properties:
        count: {type: integer, default: 3, maximum: 9}
        private: {type: boolean}
  steps:
`

func TestATemplateMakesFiles(t *testing.T) {
	for name, test := range map[string]struct {
		archive string // what comes after head
		input   map[string]any
		want    map[string]string
	}{
		"names and contents are rendered": {
			archive: `    - {action: "fetch:template", input: {url: ./skeleton, values: {name: "${{ parameters.name }}", number: "${{ parameters.count }}"}}}
-- app/skeleton/${{ values.name }}/a.txt --
${{ values.name }}: ${{ values.number + 1 }}
-- app/skeleton/{% if values.missing %}b.txt{% endif %} --
never
`,
			input: map[string]any{"name": "shop"},
			want:  map[string]string{"shop/a.txt": "shop: 4\n"},
		},
		"what is not to be rendered is copied": {
			archive: `    - {action: "fetch:template", input: {url: skeleton, copyWithoutTemplating: [raw, "**/*.tpl"], values: {name: a}}}
-- app/skeleton/raw/deep/${{ values.name }}.txt --
${{ values.name }}
-- app/skeleton/chart/x.tpl --
${{ values.name }}
`,
			input: map[string]any{"name": "shop"},
			want:  map[string]string{"raw/deep/a.txt": "${{ values.name }}\n", "chart/x.tpl": "${{ values.name }}\n"},
		},
		"a later step replaces only where it says so": {
			archive: `    - {action: "fetch:plain", input: {url: one}}
    - {action: "fetch:template", input: {url: two}}
    - {action: "fetch:template", input: {url: three, replace: true}}
-- app/one/a --
one
-- app/one/b --
one
-- app/two/a --
two
-- app/three/b --
three
`,
			input: map[string]any{"name": "shop"},
			want:  map[string]string{"a": "one\n", "b": "three\n"},
		},
		"a pull request says where files land": {
			archive: `    - {action: "fetch:template", input: {url: skeleton, targetPath: out/deep}}
    - {action: "publish:gitea:pull-request", input: {sourcePath: out/deep, targetPath: clusters}}
    - {action: "publish:github", input: {repoUrl: "${{ parameters.nothing.at.all }}"}}
-- app/skeleton/a.yaml --
a
`,
			input: map[string]any{"name": "shop"},
			want:  map[string]string{"clusters/a.yaml": "a\n"},
		},
		"steps have conditions and are repeated": {
			archive: `    - {action: "fetch:plain:file", if: "${{ parameters.private }}", input: {url: f, targetPath: private}}
    - {action: "fetch:template:file", each: [x, w], input: {url: f, targetPath: "${{ each.value }}", values: {v: "${{ each.key }}"}}}
    - {action: "fs:delete", input: {files: [w]}}
    - {action: "fs:rename", input: {files: [{from: x, to: z/x}]}}
    - {action: "catalog:write", input: {entity: {kind: Component, number: "${{ parameters.count }}"}}}
-- app/f --
${{ values.v }}
`,
			input: map[string]any{"name": "shop", "private": false, "count": 5},
			want:  map[string]string{"z/x": "0\n", "catalog-info.yaml": "kind: Component\nnumber: 5\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := Find(catalog(head+test.archive), "app")
			if err != nil {
				t.Fatal(err)
			}
			files, err := template.Run(t.Context(), test.input)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range test.want {
				if got, there := files[name]; !there || string(got) != want {
					t.Errorf("%s is %q: want %q", name, got, want)
				}
			}
			if len(files) != len(test.want) {
				t.Errorf("there are %d files, want %d: %q", len(files), len(test.want), files)
			}
		})
	}
}

func TestWhatATemplateCannotDoIsNamed(t *testing.T) {
	for archive, want := range map[string]string{
		`    - {id: a, action: "fetch:template", input: {url: ./nowhere}}`:             "step a (fetch:template): there are no files in templates/app/nowhere",
		`    - {action: "fetch:template", input: {url: "https://git.example/x"}}`:      "https://git.example/x is not in the Bead",
		`    - {action: "fetch:template", input: {url: ../../x}}`:                      "../../x leads out of templates/",
		`    - {action: "fetch:plain", input: {url: s, targetPath: ../x}}`:             "../x leads out of the workspace",
		`    - {action: "fetch:cookiecutter"}`:                                         "it changes files, and a test does not know how",
		`    - {action: "debug:log", input: {message: "${{ parameters. }}"}}`:          "evaluating its input: message: ",
		`    - {action: "fetch:template", input: {url: s, values: {}, targetPath: 3}}`: "targetPath is 3: want text",
		`    - {action: "publish:github:pull-request", input: {sourcePath: x}}`:        `the workspace has no files in "x"`,
	} {
		files := catalog(head + archive + "\n-- app/s/a --\na\n")
		template, err := Find(files, "app")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := template.Run(t.Context(), map[string]any{"name": "shop"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", archive, err, want)
		}
	}
}

func TestParametersAreJudgedByTheForm(t *testing.T) {
	template, err := Find(catalog(head+"    []\n"), "app")
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.Run(t.Context(), map[string]any{"name": "Shop", "count": 10})
	for _, want := range []string{"name: 'Shop' does not match pattern", "count: maximum: got 10, want 9"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err = template.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "missing property 'name'") {
		t.Errorf("error %v, want that name is missing", err)
	}
}

func TestATemplateThatIsNotThereIsRefusedWithThoseThatAre(t *testing.T) {
	_, err := Find(catalog(head+"    []\n"), "ap")
	if err == nil || !strings.Contains(err.Error(), "there is no template ap: want one of app") {
		t.Errorf("error %v, want the templates that there are", err)
	}
}
