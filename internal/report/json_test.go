package report

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestJSONLinesOfAnInstall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		sink := NewJSON(&out)
		step := Start(sink, "cluster", "")
		pass(1234567 * time.Microsecond)
		step.Wait("waiting for <etcd>\nand more")
		pass(3 * time.Second)
		step.Done("")
		Start(sink, "repositories", "hub.git").Unchanged("")
		Start(sink, "components", "").Fail(errors.New("kyverno: not ready"))
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
		checkLines(t, &out,
			`{"time":"2000-01-01T00:00:00Z","step":"cluster","state":"started","message":"","elapsed":0}`,
			`{"time":"2000-01-01T00:00:01.234Z","step":"cluster","state":"waiting",`+
				`"message":"waiting for <etcd>\nand more","elapsed":1.235}`,
			`{"time":"2000-01-01T00:00:04.234Z","step":"cluster","state":"done","message":"","elapsed":4.235}`,
			`{"time":"2000-01-01T00:00:04.234Z","step":"repositories","state":"started","message":"hub.git","elapsed":0}`,
			`{"time":"2000-01-01T00:00:04.234Z","step":"repositories","state":"unchanged","message":"","elapsed":0}`,
			`{"time":"2000-01-01T00:00:04.234Z","step":"components","state":"started","message":"","elapsed":0}`,
			`{"time":"2000-01-01T00:00:04.234Z","step":"components","state":"failed",`+
				`"message":"kyverno: not ready","elapsed":0}`,
		)
	})
}
