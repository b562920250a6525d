// From a template to the record of a finished run, then every run and event, by a client of openapi-generator.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/GIT_USER_ID/GIT_REPO_ID"
)

// What was answered; whatever was refused ends the program.
func ok[T any, R any](answer T, _ R, err error) T {
	if err != nil {
		panic(err)
	}
	return answer
}

func client(key string) *openapi.APIClient {
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Getenv("SERVICE")}}
	if key != "" {
		configuration.AddDefaultHeader("Authorization", "Bearer "+key)
	}
	return openapi.NewAPIClient(configuration)
}

func main() {
	ctx := context.Background()
	rundun, phone := client(os.Getenv("KEY")), client("").ExecutorAPI // the executor has no key

	oven := openapi.NewBooleanStepDraft("boolean", "Is the oven clean?")
	oven.SetId("s-oven")
	empty, full := openapi.NewOptionDraft("Empty"), openapi.NewOptionDraft("Full")
	empty.SetId("o-empty")
	full.SetId("o-full")
	config := openapi.NewChoiceConfigDraft([]openapi.OptionDraft{*empty, *full})
	fridge := openapi.NewChoiceStepDraft("choice", "How is the fridge?", *config)
	fridge.SetId("s-fridge")
	kitchen := openapi.NewPhotoStepDraft("photo", "The kitchen as you leave it")
	kitchen.SetId("s-kitchen")
	draft := openapi.NewTemplateDraft("Kitchen")
	draft.SetSteps([]openapi.SectionDraftStepsInner{
		openapi.BooleanStepDraftAsSectionDraftStepsInner(oven),
		openapi.ChoiceStepDraftAsSectionDraftStepsInner(fridge),
		openapi.PhotoStepDraftAsSectionDraftStepsInner(kitchen),
	})
	ok(rundun.TemplatesAPI.CheckTemplate(ctx).TemplateDraft(*draft).Execute())
	template := ok(rundun.TemplatesAPI.CreateTemplate(ctx).TemplateDraft(*draft).Execute())
	order := openapi.NewDispatchBody(template.Id)
	order.SetExecutorRef("booking_12345")
	run := ok(rundun.RunsAPI.DispatchRun(ctx).DispatchBody(*order).IdempotencyKey(fmt.Sprint(time.Now().UnixNano())).Execute()).RunId

	ok(phone.StartRun(ctx, run).StartBody(*openapi.NewStartBody()).Execute())
	picture, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	photo := "ph-0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d"
	ok(phone.PutPhoto(ctx, run, "s-kitchen", photo).Body(picture).Execute())
	answer := openapi.NewAnswerBody()
	answer.SetValue(true)
	ok(phone.AnswerStep(ctx, run, "s-oven").AnswerBody(*answer).Execute())
	answer.SetValue("o-empty")
	ok(phone.AnswerStep(ctx, run, "s-fridge").AnswerBody(*answer).Execute())
	answer.SetValue(json.RawMessage("null")) // a nil would be left out
	answer.SetPhotos([]string{photo})
	ok(phone.AnswerStep(ctx, run, "s-kitchen").AnswerBody(*answer).Execute())
	ok(phone.CompleteRun(ctx, run).Body(map[string]interface{}{}).Execute())

	record := ok(rundun.RunsAPI.GetRun(ctx, run).Execute())
	fmt.Println(record.Status, record.CompletedAt.Get().Format(time.RFC3339))
	for _, step := range []string{"s-oven", "s-fridge", "s-kitchen"} {
		answered := record.Answers[step]
		words := []any{step, nil}
		if value := answered.Value.Get(); value != nil && value.Bool != nil {
			words[1] = *value.Bool
		} else if value != nil && value.String != nil {
			words[1] = *value.String
		}
		for _, photo := range answered.Photos {
			words = append(words, photo.Url)
		}
		fmt.Println(words...)
	}
	if archive, err := io.ReadAll(ok(rundun.RunsAPI.GetRunArchive(ctx, run).Execute())); err != nil || string(archive[:2]) != "PK" {
		panic("no ZIP")
	}
	for _, listed := range ok(rundun.RunsAPI.ListRuns(ctx).Limit(100).Execute()).Data {
		ok(rundun.RunsAPI.GetRun(ctx, listed.RunId).Execute())
	}
	names := map[string]bool{}
	for _, entry := range ok(rundun.EventsAPI.ListEvents(ctx).Limit(100).Execute()).Data {
		names[reflect.ValueOf(entry.GetActualInstanceValue()).FieldByName("Event").String()] = true
	}
	events := []string{}
	for name := range names {
		events = append(events, name)
	}
	sort.Strings(events)
	fmt.Println(strings.Join(events, " "))
	_, _, err = rundun.RunsAPI.DispatchRun(ctx).DispatchBody(*openapi.NewDispatchBody("t-nowhere")).Execute()
	problem := err.(*openapi.GenericOpenAPIError).Model().(openapi.ProblemDetails)
	fmt.Println(problem.Status, problem.Code)
}
