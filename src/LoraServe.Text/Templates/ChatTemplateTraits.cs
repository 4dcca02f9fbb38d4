using System.Text.RegularExpressions;

namespace LoraServe.Text.Templates;

/// <summary>What a template's text tells about the conversations it is made for.</summary>
/// <param name="Text">The template.</param>
public sealed partial record ChatTemplateTraits(string Text)
{
    /// <summary>Whether it walks through the parts of a message's content, rather than taking it for a text.</summary>
    public bool ReadsParts { get; } = ContentLoop().IsMatch(Text);

    /// <summary>Whether it knows the role developer; to the others, such a message is the system's.</summary>
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
