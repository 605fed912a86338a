// Write helpers/data/protobuf.json: the field numbers of Kubernetes' own kinds.
//
// The numbers are in the struct tags of the Go types, and nowhere on a server: neither
// discovery nor OpenAPI tells them. They never change, because etcd holds objects that
// were written with them.
//
// Usage, for the version that is pinned there:
//
//	cd cluster/binaries/locks/kubernetes
//	go run ../../../../tools/fieldnumbers/main.go > ../../../data/protobuf.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"
)

// What is written with one string or number, whatever the Go type holds.
var scalars = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":       "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":  "microtime",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":   "quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString": "intorstring",
}

type table struct {
	// "apps/v1 Deployment" to the name of its message.
	Kinds map[string]string `json:"kinds"`
	// Message to field to "NUMBER TYPE", as `fields` in helpers/fieldnumbers.py reads it.
	Messages map[string]map[string]string `json:"messages"`
}

func main() {
	all := table{map[string]string{}, map[string]map[string]string{}}
	for kind, goType := range scheme.Scheme.AllKnownTypes() {
		if kind.Version == "__internal" || goType.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" {
			continue
		}
		if _, isObject := goType.FieldByName("ObjectMeta"); !isObject {
			continue // lists, options, and what only subresources take
		}
		version, name := kind.GroupVersion().String(), nameOf(goType)
		all.Kinds[version+" "+kind.Kind] = name
		all.add(goType)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(all); err != nil {
		panic(err)
	}
}

// add writes down a message and all that it holds.
func (all table) add(goType reflect.Type) {
	name := nameOf(goType)
	if _, known := all.Messages[name]; known {
		return
	}
	fields := map[string]string{}
	all.Messages[name] = fields
	for i := 0; i < goType.NumField(); i++ {
		field := goType.Field(i)
		parts := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(parts) < 4 {
			continue // kind and apiVersion: the envelope has them
		}
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case key == "" || strings.Contains(options, "inline"):
			// JSON has its fields one level up, protobuf has them in a message.
			key = "," + strings.TrimPrefix(parts[3], "name=")
		case key == "-":
			continue
		}
		kind := all.typeOf(field.Type)
		if field.Type.Kind() != reflect.Pointer && !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			kind += "!" // JSON has it also when it is zero
		}
		fields[key] = parts[1] + " " + kind
	}
}

// typeOf names a type, and a `?` marks one that protobuf leaves out when it is unset.
func (all table) typeOf(goType reflect.Type) string {
	switch goType.Kind() {
	case reflect.Pointer:
		return all.typeOf(goType.Elem()) + "?"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if goType.PkgPath() == "time" {
			return "other"
		}
		return "int"
	case reflect.Float32, reflect.Float64:
		return "double"
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 || goType.Implements(message) || reflect.PointerTo(goType).Implements(message) {
			return "other" // bytes, and named lists that are messages of their own
		}
		return "[]" + all.typeOf(goType.Elem())
	case reflect.Map:
		return "map " + all.typeOf(goType.Elem())
	case reflect.Struct:
		if scalar, ok := scalars[goType.PkgPath()+"."+goType.Name()]; ok {
			return scalar
		}
		if _, own := reflect.PointerTo(goType).MethodByName("MarshalJSON"); own {
			return "other"
		}
		all.add(goType)
		return nameOf(goType)
	}
	panic(fmt.Sprint("what is ", goType))
}

var message = reflect.TypeFor[interface{ MarshalToSizedBuffer([]byte) (int, error) }]()

// nameOf shortens k8s.io/api/core/v1.Pod to core/v1.Pod.
func nameOf(goType reflect.Type) string {
	path := strings.Split(goType.PkgPath(), "/")
	return strings.Join(path[len(path)-2:], "/") + "." + goType.Name()
}
