// A collector: OpenTelemetry's own OTLP receiver, and behind it a consumer that appends what it is given to a file. A line for each
// request: how it came, and what it said as OTLP/JSON. A request is answered after its line is written.
//
//	collector 127.0.0.1:PORT FILE
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	file := must(os.OpenFile(os.Args[2], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644))
	write := func(ctx context.Context, signal string, json []byte, err error) error {
		if err == nil {
			header := func(name string) string { return strings.Join(client.FromContext(ctx).Metadata.Get(name), ",") }
			// One write: the lines of requests that come at once do not mix.
			_, err = fmt.Fprintf(file, `{"signal":%q,"type":%q,"encoding":%q,"agent":%q,"request":%s}`+"\n", signal,
				header("Content-Type"), header("Content-Encoding"), header("User-Agent"), json)
		}
		return err
	}
	traces := must(consumer.NewTraces(func(ctx context.Context, received ptrace.Traces) error {
		json, err := (&ptrace.JSONMarshaler{}).MarshalTraces(received)
		return write(ctx, "traces", json, err)
	}))
	metrics := must(consumer.NewMetrics(func(ctx context.Context, received pmetric.Metrics) error {
		json, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(received)
		return write(ctx, "metrics", json, err)
	}))

	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	// As a configuration file has it, which changes less from version to version than Go's structs.
	http := map[string]any{"endpoint": os.Args[1], "include_metadata": true}
	given := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": http}})
	if err := given.Unmarshal(config); err != nil {
		log.Fatal(err)
	}
	settings := receiver.Settings{ID: component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(), BuildInfo: component.NewDefaultBuildInfo()}
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	receiving := must(factory.CreateTraces(stopped, settings, config, traces))
	must(factory.CreateMetrics(stopped, settings, config, metrics)) // of the same configuration: the same receiver
	if err := receiving.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}
	log.Print("ready")
	<-stopped.Done()
	receiving.Shutdown(context.Background())
}
