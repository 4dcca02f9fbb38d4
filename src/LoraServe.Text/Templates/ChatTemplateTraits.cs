using System.Text.RegularExpressions;

namespace LoraServe.Text.Templates;

/// <summary>Features of a template, detected in its source.</summary>
/// <param name="Text">The template.</param>
public sealed partial record ChatTemplateTraits(string Text)
{
    /// <summary>Whether it iterates over the parts of a message's content instead of expecting a string.</summary>
    public bool ReadsParts { get; } = ContentLoop().IsMatch(Text);

    /// <summary>Whether it handles the role developer; for other templates such a message becomes a system message.</summary>
    public bool KnowsDevelopers { get; } = Text.Contains("developer", StringComparison.Ordinal);

    /// <summary>Whether it shows tools to the model.</summary>
    public bool ShowsTools { get; } = ToolsName().IsMatch(Text);

    /// <summary>Whether it shows documents to the model.</summary>
    public bool ShowsDocuments { get; } = DocumentsName().IsMatch(Text);

    [GeneratedRegex(@"\bfor\s+\w+\s+in\s+[\w.\[\]'""()-]{0,80}\bcontent\b['""]?\]?\s*(-?%\}|if\b|\|)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ContentLoop();

    [GeneratedRegex(@"\btools\b", RegexOptions.NonBacktracking)]
    private static partial Regex ToolsName();

    [GeneratedRegex(@"\bdocuments\b", RegexOptions.NonBacktracking)]
    private static partial Regex DocumentsName();
}
