using System.Text.Json;
using LoraServe.Text.Templates;

namespace LoraServe.Text.Tests.Templates;

/// <summary>Templates rendered with variables, at 2026-03-05 14:07:09.</summary>
internal static class RenderedTemplate
{
    public static readonly DateTimeOffset Now = new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);

    private static readonly StoppedClock Stopped = new();

    /// <param name="template">The source.</param>
    /// <param name="context">Variables as JSON.</param>
    public static string Of(string template, [System.Diagnostics.CodeAnalysis.StringSyntax("Json")] string context = "{}") =>
        Of(template, JsonSerializer.Deserialize<JsonElement>(context));

    public static string Of(string template, JsonElement context) => Of(template, context, Stopped);

    /// <param name="template">The source.</param>
    /// <param name="context">Variables.</param>
    /// <param name="clock">Measures how long it takes.</param>
    /// <param name="cancellation">Ends it.</param>
    public static string Of(string template, JsonElement context, TimeProvider clock, CancellationToken cancellation = default) =>
        ChatTemplate.Compile(template).Render(
            context.EnumerateObject().ToDictionary(variable => variable.Name, variable => InputValues.Of(variable.Value)), Now, clock, cancellation);

    /// <summary>With it, what a template may do does not depend on how busy the machine is.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
