using System.Text.Json;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

/// <summary>
/// One construct at a time: jinja.json holds what Jinja 3.1.6 renders in transformers' environment, or that it raises an error. Left out is
/// what this refuses on purpose: integers of more than 64 bits, blocks and autoescape, what is random, and the addresses of objects.
/// </summary>
public class JinjaRowsTests
{
    private static readonly JsonElement File = GoldenData.Json("..", "Templates", "jinja.json");

    public static TheoryData<string> Groups => [.. File.GetProperty("rows").EnumerateObject().Select(group => group.Name)];

    [Theory]
    [MemberData(nameof(Groups))]
    public void Render_Row_IsAsJinjas(string group)
    {
        var context = File.GetProperty("context");
        var rows = File.GetProperty("rows").GetProperty(group).EnumerateArray().ToList();
        rows.Count.ShouldBeGreaterThan(5);
        rows.ShouldAllBe(row => Render(row.GetProperty("template").GetString()!, context) == Expected(row));
    }

    private static string? Expected(JsonElement row) => row.TryGetProperty("output", out var output) ? output.GetString() : null;

    private static string? Render(string template, JsonElement context)
    {
        try
        {
            return RenderedTemplate.Of(template, context);
        }
        catch (Exception e) when (e is ChatTemplateException or InvalidChatTemplateException)
        {
            return null;
        }
    }
}
