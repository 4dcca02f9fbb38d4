using System.Data.Common;
using System.Runtime.InteropServices;
using System.Text;
using LoraServe.Api.Requests;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Faults;

namespace LoraServe.Hosting;

/// <summary>
/// An exception as it is logged: types and places of the whole chain, and messages only of exceptions about the machine. Others may quote
/// the content of a request or a file, which must not reach the log.
/// </summary>
internal sealed class LoggedException(Exception exception) : Exception
{
    private const int MostInner = 8;

    /// <summary>The type of an exception, and its message if that cannot quote a request.</summary>
    public static string Describe(Exception exception) => IsOfMachine(exception)
        ? $"{exception.GetType().Name}: {ControlCharacters.Escape(FaultText.Limit(exception.Message))}"
        : exception.GetType().Name;

    public override string ToString()
    {
        var text = new StringBuilder();
        var (inner, left) = (exception, MostInner);
        for (; inner is not null && left > 0; inner = inner.InnerException, left--)
            text.AppendLine(Describe(inner)).AppendLine(inner.StackTrace);
        return text.ToString().TrimEnd();
    }

    private static bool IsOfMachine(Exception exception) => exception is IOException or UnauthorizedAccessException or DbException
        or ExternalException or OutOfMemoryException or DllNotFoundException or GenerationFailedException;
}
