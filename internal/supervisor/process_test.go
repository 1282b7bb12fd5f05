package supervisor

import (
	"strings"
	"testing"
)

func TestAListThatCannotBeIsRefusedWithAllItsFaults(t *testing.T) {
	valid := Process{Name: "etcd", Path: "/bin/etcd"}
	tests := map[string]struct {
		list []Process
		want []string // one per fault; none: the list is good
	}{
		"nothing":      {list: nil},
		"one process":  {list: []Process{valid}},
		"twice a name": {list: []Process{valid, valid}, want: []string{"it is there twice"}},
		"several faults": {
			list: []Process{{Name: "a/b", Path: "etcd", Dir: "data", After: []string{"api"}}},
			want: []string{"name:", `path "etcd"`, `dir "data"`, `after "api"`},
		},
		"the supervisor's own name": {list: []Process{{Name: "supervisor", Path: "/bin/x"}}, want: []string{"name:"}},
		"a name like a rotated log": {list: []Process{{Name: "etcd.log.1", Path: "/bin/x"}}, want: []string{"name:"}},
		"oneshot with a probe": {
			list: []Process{{Name: "x", Path: "/x", Oneshot: true, Ready: &Probe{Connect: "tcp://localhost:1"}}},
			want: []string{"ready: want none with oneshot"},
		},
		"a probe of two kinds": {
			list: []Process{{Name: "x", Path: "/x", Ready: &Probe{Connect: "tcp://localhost:1", URL: "https://localhost"}}},
			want: []string{"ready: want either url or connect"},
		},
		"a circle": {
			list: []Process{
				{Name: "a", Path: "/a", After: []string{"b"}},
				{Name: "b", Path: "/b", After: []string{"c"}},
				{Name: "c", Path: "/c", After: []string{"b"}},
			},
			want: []string{"processes b, c: each is to start after the next"},
		},
		"after itself": {
			list: []Process{{Name: "a", Path: "/a", After: []string{"a"}}},
			want: []string{"processes a: each is to start after the next"},
		},
		"two ways to one": {
			list: []Process{
				{Name: "d", Path: "/d", After: []string{"b", "c"}},
				{Name: "b", Path: "/b", After: []string{"a"}},
				{Name: "c", Path: "/c", After: []string{"a"}},
				{Name: "a", Path: "/a"},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			if err := validate(test.list); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(test.want) {
				t.Fatalf("got %d faults, want %d: %q", len(got), len(test.want), got)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("fault %d: got %q, want it to name %q", i, got[i], want)
				}
			}
		})
	}
}

func TestProcessesAreTheSameIfTheyAreStoredTheSame(t *testing.T) {
	p := Process{Name: "a", Path: "/a"}
	q := Process{Name: "a", Path: "/a", Args: []string{}, After: []string{}}
	if !p.equal(q) {
		t.Error("an empty list and an absent one differ")
	}
	q.Env = []string{"A=b"}
	if p.equal(q) {
		t.Error("processes with different environments are the same")
	}
	q = Process{Name: "a", Path: "/a", Ready: &Probe{URL: "https://localhost"}}
	if p.equal(q) {
		t.Error("processes with different probes are the same")
	}
}
