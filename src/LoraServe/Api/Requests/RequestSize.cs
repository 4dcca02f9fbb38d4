using Microsoft.AspNetCore.Http.Features;

namespace LoraServe.Api.Requests;

/// <summary>Limits of request bodies.</summary>
internal static class RequestSize
{
    /// <summary>Limits the body before it is read.</summary>
    /// <exception cref="BadHttpRequestException">Its Content-Length is larger; a body without one fails while it is read.</exception>
    public static void Limit(HttpContext context, int mebibytes)
    {
        var limit = (long)mebibytes << 20;
        var isTooLarge = context.Request.ContentLength > limit;
        // A client that is still sending sees the refusal only if the server reads on, which it does for a few seconds.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = isTooLarge ? null : limit;
        if (isTooLarge) throw new BadHttpRequestException("The body is too large.", StatusCodes.Status413PayloadTooLarge);
    }
}
