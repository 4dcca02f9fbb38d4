using System.Text.Json;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates.Reference;

/// <summary>
/// Chat templates of real models on 20 conversations, against @huggingface/jinja. Where that differs from Python's Jinja, which decides here
/// (see the golden rows), a conversation must not depend on it.
/// </summary>
public class ReferenceComparisonTests
{
    private static readonly JsonElement[] Conversations =
        [.. GoldenData.Json("..", "Templates", "Reference", "conversations.json").EnumerateArray()];

    [Theory]
    [InlineData("tokenizer-qwen3")]
    [InlineData("tokenizer-llama3_1")]
    [InlineData("tokenizer-gemma3")]
    public async Task Render_RealTemplate_IsAsTheOtherImplementation(string package)
    {
        ReferencePackages.SkipWithoutNode();
        var templates = ChatTemplates.Load(await ReferencePackages.ModelAsync(package));
        templates.Faults.ShouldBeEmpty();
        var source = templates.Find(name: null, hasTools: false).Source;

        var expected = await ReferencePackages.RenderAsync([.. Conversations.Select(row => new { template = source, context = Context(row, templates) })]);

        Conversations.Length.ShouldBe(20);
        for (var i = 0; i < Conversations.Length; i++)
        {
            var (output, error) = expected[i];
            var row = Conversations[i];
            var name = row.GetProperty("name").GetString()!;
            if (output is not null) templates.Render(Input(row)).ShouldBe(output, name);
            else Should.Throw<ChatTemplateException>(() => templates.Render(Input(row)), name).Message.ShouldBe(error);
        }

        expected.Count(result => result.Output is not null).ShouldBeGreaterThanOrEqualTo(14);
    }

    private static ChatTemplateInput Input(JsonElement row) => new()
    {
        Messages = row.GetProperty("messages"),
        Tools = row.TryGetProperty("tools", out var tools) ? tools : null,
        AddGenerationPrompt = row.GetProperty("add_generation_prompt").GetBoolean(),
        Variables = Variables(row),
        Now = RenderedTemplate.Now,
    };

    private static Dictionary<string, object?> Context(JsonElement row, ChatTemplates templates)
    {
        var context = new Dictionary<string, object?>
        {
            ["messages"] = row.GetProperty("messages"),
            ["tools"] = row.TryGetProperty("tools", out var tools) ? tools : null,
            ["documents"] = null,
            ["add_generation_prompt"] = row.GetProperty("add_generation_prompt"),
        };
        foreach (var (name, value) in templates.SpecialTokens) context[name] = value;
        foreach (var (name, value) in Variables(row)) context[name] = value;
        return context;
    }

    private static Dictionary<string, JsonElement> Variables(JsonElement row) => row.TryGetProperty("variables", out var variables)
        ? variables.EnumerateObject().ToDictionary(variable => variable.Name, variable => variable.Value)
        : [];
}
