using System.Text.Json;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

/// <summary>What transformers renders, or refuses.</summary>
public class ChatTemplateGoldenTests
{
    private static readonly JsonElement[] Golden = [.. GoldenData.Json("templates.json").EnumerateArray()];

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, 43)];

    [Fact]
    public void Golden_File_HasAllRows() => Golden.Length.ShouldBe(Rows.Count);

    [Theory]
    [MemberData(nameof(Rows))]
    public void Render_GoldenRow_GivesTheReferencesOutputOrAnError(int index)
    {
        var row = Golden[index];
        var template = row.GetProperty("template").GetString()!;
        if (row.TryGetProperty("output", out var output))
        {
            RenderedTemplate.Of(template, row.GetProperty("context")).ShouldBe(output.GetString());
            return;
        }

        var message = row.GetProperty("message").GetString()!;
        switch (row.GetProperty("error").GetString())
        {
            case "TemplateSyntaxError" or "TemplateAssertionError":
                Should.Throw<InvalidChatTemplateException>(() => ChatTemplate.Compile(template)).Message.ShouldNotBeEmpty();
                break;
            case "TemplateError":
                var raised = Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of(template, row.GetProperty("context")));
                raised.Message.ShouldBe(message);
                raised.IsRaised.ShouldBeTrue();
                break;
            case "TypeError":
                // The reference has no loader for other templates, and neither has this.
                Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of(template, row.GetProperty("context"))).Message.ShouldContain("include");
                break;
            default:
                Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of(template, row.GetProperty("context"))).Message.ShouldContain(message);
                break;
        }
    }
}
